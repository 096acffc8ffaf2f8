//! Statistics for samples: medians, their intervals, and whether two medians differ. These
//! functions are pure: the random draws depend only on a seed.
//!
//! The intervals are percentile bootstrap intervals (Efron, 1979). We draw new sets of samples from
//! the measured samples many times, with replacement. If the statistic varies a lot from draw to
//! draw, it may be far from the true value. This method assumes no particular distribution, which
//! is important because timings are not normally distributed.

use serde::{Deserialize, Serialize};

/// A figure, and the bounds of its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub low: f64,
    pub value: f64,
    pub high: f64,
}

impl Interval {
    /// Returns whether a value lies in the interval.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The smallest number of samples for a 95 % interval. With fewer samples, not even the range from
/// the smallest to the largest sample contains the true median with 95 % certainty. If there are n
/// samples, all of them lie on the same side of the median in 2 of 2^n cases.
pub const ENOUGH: usize = 6;

/// The number of bootstrap draws. More draws would not move the bounds visibly.
const DRAWS: usize = 2000;

/// Returns the median of the values. For an even number of values, the median is halfway between
/// the two middle values.
///
/// # Panics
/// Panics if there are no values.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Returns the value below which the fraction `part` of the values lies, interpolated between the
/// two nearest values.
///
/// # Panics
/// Panics if there are no values.
pub fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    at(&sorted, part)
}

fn at(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

/// Returns the median of the samples with its interval.
pub fn median_interval(samples: &[f64], seed: u64) -> Interval {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut resample = Resample::of(samples);
    let draws = (0..DRAWS).map(|_| resample.median(&mut random)).collect();
    interval(median(samples), draws)
}

/// Returns the ratio of the median of `samples` to the median of `base`, with its interval. If the
/// interval contains 1, these samples do not show a difference.
pub fn ratio_interval(samples: &[f64], base: &[f64], seed: u64) -> Interval {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut over, mut under) = (Resample::of(samples), Resample::of(base));
    let draws = (0..DRAWS).map(|_| over.median(&mut random) / under.median(&mut random)).collect();
    interval(median(samples) / median(base), draws)
}

/// Draws new sets of samples from the measured samples. The measured samples are sorted once, and a
/// draw only counts how often it takes each of them, so finding a draw's median needs no sorting.
struct Resample {
    sorted: Vec<f64>,
    /// The number of times that the current draw has taken each sample.
    counts: Vec<usize>,
}

impl Resample {
    fn of(samples: &[f64]) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        Self { counts: vec![0; sorted.len()], sorted }
    }

    /// Draws as many samples as were measured, and returns their median.
    fn median(&mut self, random: &mut fastrand::Rng) -> f64 {
        let count = self.sorted.len();
        self.counts.fill(0);
        for _ in 0..count {
            self.counts[random.usize(..count)] += 1;
        }
        // The places of the two middle values. They are the same if the number of samples is odd.
        let (lower, upper) = ((count - 1) / 2, count / 2);
        let (mut place, mut end, mut low) = (0, self.counts[0], None);
        loop {
            if end > lower {
                low.get_or_insert(self.sorted[place]);
            }
            if let Some(low) = low.filter(|_| end > upper) {
                return f64::midpoint(low, self.sorted[place]);
            }
            place += 1;
            end += self.counts[place];
        }
    }
}

fn interval(value: f64, mut draws: Vec<f64>) -> Interval {
    draws.sort_by(f64::total_cmp);
    Interval { low: at(&draws, 0.025), value, high: at(&draws, 0.975) }
}

/// Returns the slope of the least-squares line (Legendre, 1805) through points `(x, y)`, or `None`
/// if the points do not determine a line.
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let both: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let square: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    (square > 0.0).then(|| both / square)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a normally distributed value (Box and Muller, 1958).
    fn normal(random: &mut fastrand::Rng, mean: f64, deviation: f64) -> f64 {
        let (a, b) = (1.0 - random.f64(), random.f64());
        mean + deviation * (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }

    /// Returns typical timings: most are close together, and some are much longer.
    fn timings(random: &mut fastrand::Rng, count: usize, scale: f64) -> Vec<f64> {
        let one = |random: &mut fastrand::Rng| {
            let late = if random.u8(..) < 25 { random.f64() } else { 0.0 };
            scale * (normal(random, 1.0, 0.05) + late)
        };
        (0..count).map(|_| one(random)).collect()
    }

    #[test]
    fn medians_and_quantiles_match_the_textbook_definitions() {
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        let hundred: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(quantile(&hundred, 0.99), 99.0);
        assert_eq!(quantile(&hundred, 0.0), 0.0);
        assert_eq!(quantile(&hundred, 1.0), 100.0);
        assert_eq!(quantile(&[0.0, 10.0], 0.25), 2.5);
    }

    #[test]
    fn slope_returns_the_slope_of_the_least_squares_line() {
        assert_eq!(slope(&[(1.0, 10.0), (2.0, 13.0), (3.0, 16.0)]), Some(3.0));
        // The points are above, below, below and above the line.
        assert_eq!(slope(&[(0.0, 1.0), (1.0, 0.0), (2.0, 1.0), (3.0, 4.0)]), Some(1.0));
        assert_eq!(slope(&[(1.0, 10.0)]), None);
        assert_eq!(slope(&[]), None);
    }

    #[test]
    fn an_interval_contains_the_true_median_about_95_percent_of_the_time() {
        let hits = (0..200).filter(|seed| {
            let mut random = fastrand::Rng::with_seed(*seed);
            let samples: Vec<f64> = (0..30).map(|_| normal(&mut random, 10.0, 1.0)).collect();
            median_interval(&samples, *seed).contains(10.0)
        });
        // 95 % of 200 is 190; the standard deviation of that count is 3.1.
        let hits = hits.count();
        assert!((181..=199).contains(&hits), "{hits} of 200");
    }

    #[test]
    fn a_slowdown_of_10_percent_is_detected() {
        let found = (0..100).filter(|seed| {
            let mut random = fastrand::Rng::with_seed(*seed);
            let (base, slower) = (timings(&mut random, 30, 1.0), timings(&mut random, 30, 1.1));
            let ratio = ratio_interval(&slower, &base, *seed);
            ratio.low > 1.0
        });
        let found = found.count();
        assert!(found >= 95, "{found} of 100");
    }

    #[test]
    fn identical_work_is_reported_as_different_in_at_most_5_percent_of_cases() {
        // The seeds are fixed, so the result is always the same.
        let seeds = if std::env::var_os("STRESS").is_some() { 1000 } else { 100 };
        let seem_to_differ = (0..seeds).filter(|seed| {
            let mut random = fastrand::Rng::with_seed(*seed);
            let (base, twin) = (timings(&mut random, 30, 1.0), timings(&mut random, 30, 1.0));
            !ratio_interval(&twin, &base, *seed).contains(1.0)
        });
        let seem_to_differ = seem_to_differ.count();
        println!("{seem_to_differ} of {seeds}");
        assert!(seem_to_differ <= seeds as usize / 20, "{seem_to_differ} of {seeds}");
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let samples = timings(&mut fastrand::Rng::with_seed(1), 30, 1.0);
        assert_eq!(median_interval(&samples, 7), median_interval(&samples, 7));
        assert_eq!(median_interval(&[5.0], 7), Interval { low: 5.0, value: 5.0, high: 5.0 });
    }
}
