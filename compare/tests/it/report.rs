//! Tests what `compare report` measures, and that the page it writes is complete, well-formed, and
//! usable with a screen reader.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use scraper::{ElementRef, Html, Selector};

use crate::all_measured::{MEASURED, compare, text};
use crate::program::assert_same_answers;

const LESSONS: [&str; 7] =
    ["hello", "fetch", "errors", "guards", "downloads", "rate-limiter", "worker-pool"];
const RUNTIMES: [&str; 3] = ["tokio", "async-std", "smol"];

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn words(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_page_is_well_formed() {
    let page = Html::parse_document(&MEASURED.page);
    assert_eq!(page.errors, Vec::<&str>::new());
    assert!(MEASURED.page.starts_with("<!DOCTYPE html>"));
    let ids: Vec<_> = all(&page, "[id]").iter().map(|e| e.attr("id").unwrap()).collect();
    assert_eq!(
        ids.len(),
        ids.iter().collect::<BTreeSet<_>>().len(),
        "two elements have the same id"
    );
}

#[test]
fn the_page_contains_every_lesson_runtime_and_workload() {
    let page = Html::parse_document(&MEASURED.page);
    for lesson in LESSONS {
        let section = all(&page, &format!("section[aria-labelledby=lesson-{lesson}]"));
        let [section] = section[..] else { panic!("no {lesson}") };
        let select = |selector: &str| {
            section.select(&Selector::parse(selector).unwrap()).collect::<Vec<_>>()
        };
        let heads: Vec<_> = select(".code thead th").into_iter().map(words).collect();
        assert_eq!(heads, RUNTIMES, "{lesson}");
        assert_eq!(select("svg.timeline").len(), 3, "{lesson}");
        let answers: Vec<_> = select("tbody td:last-child").into_iter().map(words).collect();
        assert_eq!(answers.iter().filter(|answer| *answer == "same").count(), 3, "{answers:?}");
    }
    let list = text(&compare(&["bench", "--list"]).stdout);
    let workloads = list.lines().filter(|line| !line.starts_with(' '));
    let workloads: Vec<_> = workloads.map(|line| line.trim_end_matches(" (quick)")).collect();
    assert_eq!(workloads.len(), 19);
    for workload in workloads {
        let section = all(&page, &format!("section[aria-labelledby=bench-{workload}]"));
        let [section] = section[..] else { panic!("no {workload}") };
        let shown = words(section);
        assert!(shown.contains("Expected: "), "{shown}");
        let plots = section.select(&Selector::parse("svg.plot").unwrap()).count();
        match workload {
            "lock-free" => assert_eq!(plots, 1),
            "start-stop" => assert_eq!(plots, 2),
            _ => assert!(shown.contains("Not measured."), "{shown}"),
        }
    }
    assert_eq!(all(&page, ".behaviours tbody tr").len(), 25);
    assert_eq!(all(&page, ".behaviours .unexpected").len(), 0);
    assert_eq!(all(&page, ".api tbody tr").len(), 21);
    let cost = all(&page, "section[aria-labelledby=cost]");
    assert!(words(cost[0]).contains("Not measured. Run compare cost to measure this."));
}

#[test]
fn the_page_shows_every_source_file_unchanged() {
    let page = Html::parse_document(&MEASURED.page);
    for lesson in LESSONS {
        for (place, runtime) in ["tokio", "async_std", "smol"].iter().enumerate() {
            let column = format!(
                "section[aria-labelledby=lesson-{lesson}] .code td:nth-child({}) code",
                place + 1
            );
            let shown: Vec<String> =
                all(&page, &column).iter().map(|line| line.text().collect()).collect();
            let file = format!("src/lessons/{}/on_{runtime}.rs", lesson.replace('-', "_"));
            let source =
                fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
            let lines: Vec<&str> = source.lines().collect();
            assert_eq!(shown, lines, "{lesson} on {runtime}");
        }
    }
}

#[test]
fn the_page_loads_no_other_files_and_every_link_works() {
    let page = Html::parse_document(&MEASURED.page);
    for selector in ["script", "link", "img", "iframe", "object", "embed", "use", "image", "base"] {
        assert!(all(&page, selector).is_empty(), "there is a {selector}");
    }
    for attribute in ["src", "srcset", "style", "xlink:href", "action", "data"] {
        let selector = format!("[{}]", attribute.replace(':', "\\:"));
        assert!(all(&page, &selector).is_empty(), "something has a {attribute}");
    }
    for style in all(&page, "style") {
        let style: String = style.text().collect();
        assert!(!style.contains("url(") && !style.contains("@import"));
    }
    for link in all(&page, "[href]") {
        let target = link.attr("href").unwrap();
        let id =
            target.strip_prefix('#').unwrap_or_else(|| panic!("{target} leads to another page"));
        assert_eq!(all(&page, &format!("[id={id}]")).len(), 1, "{target} leads nowhere");
    }
}

#[test]
fn the_page_can_be_used_without_seeing_it_and_without_a_mouse() {
    assert_usable_without_seeing_it(&Html::parse_document(&MEASURED.page));
    assert_usable_without_seeing_it(&Html::parse_document(&NOTHING_MEASURED));
}

fn assert_usable_without_seeing_it(page: &Html) {
    assert_eq!(all(page, "html[lang=en]").len(), 1);
    assert_eq!(all(page, "h1").len(), 1);
    assert_eq!(all(page, "main").len(), 1);
    let mut before = 0;
    for heading in all(page, "h1, h2, h3, h4") {
        let level: u32 = heading.value().name()[1..].parse().unwrap();
        assert!(level <= before + 1, "{} skips a level", words(heading));
        before = level;
    }
    for drawing in all(page, "svg") {
        assert_eq!(drawing.attr("role"), Some("img"));
        assert!(drawing.attr("aria-label").is_some_and(|label| label.len() > 20));
    }
    for table in all(page, "table") {
        let select = |selector: &str| table.select(&Selector::parse(selector).unwrap()).count();
        assert_eq!(select("caption"), 1);
        assert!(select("thead th[scope=col]") >= 3);
        assert_eq!(select("th:not([scope])"), 0);
    }
    // Every scrolling element must be reachable with the keyboard.
    for scrolling in all(page, ".scroll, pre") {
        assert_eq!(scrolling.attr("tabindex"), Some("0"));
        assert_eq!(scrolling.attr("role"), Some("region"));
        assert!(scrolling.attr("aria-label").is_some_and(|label| !label.is_empty()));
    }
    let legends: Vec<_> = all(page, "legend").into_iter().map(words).collect();
    assert_eq!(
        legends.len(),
        legends.iter().collect::<BTreeSet<_>>().len(),
        "two legends are the same"
    );
    for choice in all(page, "input") {
        let label = format!("label[for={}]", choice.attr("id").unwrap());
        assert_eq!(all(page, &label).len(), 1, "{label}");
    }
}

/// Returns the relative luminance of a colour such as `#1b1f24` (WCAG 2.2).
fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

#[test]
fn every_text_has_enough_contrast_in_both_colour_schemes() {
    let style = include_str!("../../src/view/page/style.css");
    let schemes: Vec<BTreeMap<&str, &str>> = style
        .split(":root {")
        .skip(1)
        .take(2)
        .map(|block| {
            let declarations = block.split('}').next().unwrap().lines();
            let pairs = declarations.filter_map(|line| line.trim().strip_prefix("--"));
            pairs.filter_map(|pair| pair.trim_end_matches(';').split_once(": ")).collect()
        })
        .collect();
    let [light, dark] = &schemes[..] else { panic!("there must be two colour schemes") };
    assert!(light.keys().eq(dark.keys()), "a colour is missing in one of the schemes");
    for scheme in [light, dark] {
        for (name, colour) in scheme {
            if ["paper", "raised", "line", "notice"].contains(name) {
                continue;
            }
            for paper in ["paper", "raised", "notice"] {
                // A notice uses only these colours.
                if paper == "notice" && !["ink", "link", "notice-line"].contains(name) {
                    continue;
                }
                let (one, other) = (luminance(colour), luminance(scheme[paper]));
                let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
                // WCAG requires a contrast of only 3 to 1 for the points and lines of a plot,
                // because they are not text.
                let enough = if *name == "control" { 3.0 } else { 4.5 };
                assert!(contrast >= enough, "{name} on {paper}: {contrast:.2}");
            }
        }
    }
}

/// A page without any results.
static NOTHING_MEASURED: LazyLock<String> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().to_str().unwrap();
    let output = compare(&["report", "--as-is", "--from", from, "-o", "-"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    text(&output.stdout)
});

#[test]
fn as_is_measures_nothing_and_marks_missing_results() {
    let page = Html::parse_document(&NOTHING_MEASURED);
    assert_eq!(page.errors, Vec::<&str>::new());
    // Seven lessons, the behaviours, the cost and nineteen workloads are missing.
    assert_eq!(all(&page, ".missing").len(), 28);
    assert_eq!(all(&page, ".code").len(), 7);
}

#[test]
fn a_broken_or_foreign_results_file_causes_an_error_and_an_earlier_page_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("page.html"), "an earlier page").unwrap();
    for (name, content, complaint) in [
        ("bench.json", "{\"kind\": \"compare bench 2\", ", "bench.json: must contain results of"),
        ("cost.json", "{\"kind\": \"compare bench 2\"}", "cost.json: must contain results of"),
        ("lessons.json", "{\"kind\": \"compare lessons 0\"}", "lessons.json: saved by another"),
        ("behaviours.json", "\0", "behaviours.json: must contain results of `compare behaviours`"),
    ] {
        fs::write(path(name), content).unwrap();
        let output = compare(&["report", "--from", &path(""), "-o", &path("page.html")]);
        assert_eq!(output.status.code(), Some(1));
        let message = text(&output.stderr);
        assert!(message.starts_with("compare: ") && message.contains(complaint), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        fs::remove_file(path(name)).unwrap();
    }
    assert_eq!(fs::read_to_string(path("page.html")).unwrap(), "an earlier page");
    let odd = r#"{"kind": "compare bench 2", "machine": {"cores": 2, "versions": [], "is_release": true,
        "time": 18446744073709551615}, "threads": 2, "rows": [{"workload": "yield",
        "contestant": "tokio", "is_default": false, "samples": [{"metrics": {"ns a yield": 1e300},
        "checksum": 1}]}]}"#;
    fs::write(path("bench.json"), odd).unwrap();
    let arguments = ["report", "--as-is", "--from", &path(""), "-o", "-"];
    let output = compare(&arguments);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("bench.json: contains impossible figures"));
    fs::write(path("bench.json"), odd.replace("1e300", "5")).unwrap();
    let page = text(&compare(&arguments).stdout);
    assert!(page.contains("Median of 1: too few samples to show a difference."), "{page}");

    let output = compare(&["report", "--as-is", "--from", &path(""), "-o", &path("")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--output must name a file"));
    let output = compare(&["report", "--from", &path("nowhere")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("nowhere: --from must name an existing folder"));
}

fn assert_correct_on_all_three_runtimes(lesson: &str) {
    let runs: Vec<_> = MEASURED.lessons.iter().filter(|run| run["lesson"] == lesson).collect();
    assert_same_answers(lesson, &runs);
}

#[test]
fn hello_gives_the_correct_answer_on_all_three_runtimes() {
    assert_correct_on_all_three_runtimes("hello");
}

#[test]
fn fetch_gives_the_correct_answer_on_all_three_runtimes() {
    assert_correct_on_all_three_runtimes("fetch");
}

#[test]
fn errors_gives_the_correct_answer_on_all_three_runtimes() {
    assert_correct_on_all_three_runtimes("errors");
}

#[test]
fn guards_gives_the_correct_answer_on_all_three_runtimes() {
    assert_correct_on_all_three_runtimes("guards");
}

#[test]
fn downloads_gives_the_correct_answer_on_all_three_runtimes() {
    assert_correct_on_all_three_runtimes("downloads");
}

#[test]
fn rate_limiter_gives_the_correct_answer_on_all_three_runtimes() {
    assert_correct_on_all_three_runtimes("rate-limiter");
}

#[test]
fn worker_pool_gives_the_correct_answer_on_all_three_runtimes() {
    assert_correct_on_all_three_runtimes("worker-pool");
}

#[test]
fn every_behaviour_is_as_expected_on_all_three_runtimes() {
    let mut asked = std::collections::BTreeSet::new();
    for row in &MEASURED.behaviours {
        assert_eq!(row["is_as_expected"], true, "{row:#}");
        asked.insert(["behaviour", "runtime", "asked_from"].map(|field| row[field].to_string()));
    }
    // There are 25 questions. Two of them are about the end of the root future, and the others are
    // also asked from a task.
    assert_eq!(asked.len(), 3 * (2 * 23 + 2));
}
