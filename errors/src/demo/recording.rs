//! Records for the timeline when each request was in flight and how it ended.

use std::sync::Arc;

use errors::ServiceError;

use crate::timeline::{Legend, Timeline};

const IN_FLIGHT: char = '█';
const CANCELLED: char = '○';
const FAILED: char = '×';
const ANSWERED: char = '✓';

const LEGEND: Legend = &[
    (IN_FLIGHT, "in flight"),
    (CANCELLED, "cancelled"),
    (FAILED, "failed"),
    (ANSWERED, "answered"),
];

/// Starts an empty timeline.
pub fn start() -> Arc<Timeline> {
    Arc::new(Timeline::start(LEGEND))
}

/// Wraps a request. The request's row in the timeline shows that the request is in flight, and
/// later how it ended.
///
/// A cancelled future is dropped without running another line, so it cannot record its own end.
/// But dropping a future drops what it owns, and this future owns a [`Row`], which records the end.
pub fn recorded<T>(
    timeline: Arc<Timeline>,
    name: String,
    request: impl Future<Output = Result<T, ServiceError>>,
) -> impl Future<Output = Result<T, ServiceError>> {
    timeline.show(&name, IN_FLIGHT);
    let mut row = Row { timeline, name, ending: CANCELLED };
    async move {
        let result = request.await;
        row.ends_with(if result.is_ok() { ANSWERED } else { FAILED });
        result
    }
}

/// A request's row in the timeline. The request owns this value. When the request ends or is
/// dropped, this value is dropped with it, and records how the request ended.
struct Row {
    timeline: Arc<Timeline>,
    name: String,
    ending: char,
}

impl Row {
    fn ends_with(&mut self, ending: char) {
        self.ending = ending;
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        self.timeline.show(&self.name, ' ');
        self.timeline.mark(&self.name, self.ending);
    }
}
