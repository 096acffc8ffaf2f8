//! A table with the code for common operations, in asyncio and on each runtime.
//!
//! The cells for the runtimes come from `on_tokio.rs`, `on_async_std.rs` and `on_smol.rs`, so the
//! code in them compiles. A cell is the code under a comment `// api: NAME`, up to the next empty
//! line.

#[cfg(feature = "async-std")]
mod on_async_std;
#[cfg(feature = "smol")]
mod on_smol;
#[cfg(feature = "tokio")]
mod on_tokio;

/// One operation, and the code for it in asyncio and on each runtime.
#[derive(Debug)]
pub struct Row {
    pub what: &'static str,
    pub asyncio: &'static str,
    /// The cells of Tokio, async-std and smol, in this order.
    pub runtimes: [String; 3],
}

const SOURCES: [&str; 3] =
    [include_str!("on_tokio.rs"), include_str!("on_async_std.rs"), include_str!("on_smol.rs")];

/// The operations, and the code for them in asyncio.
const ASYNCIO: [(&str, &str); 21] = [
    ("start", "asyncio.run(main())"),
    ("spawn", "task = asyncio.create_task(work())"),
    ("await a task", "value = await task"),
    ("detach", "keep a reference, or the task may vanish"),
    ("abort", "task.cancel()"),
    ("sleep", "await asyncio.sleep(1)"),
    ("timeout", "await asyncio.wait_for(work(), 1)"),
    ("interval", "a loop around sleep"),
    ("join", "a, b = await asyncio.gather(f(), g())"),
    ("race", "await asyncio.wait(tasks, return_when=FIRST_COMPLETED)"),
    ("channel, many to one", "asyncio.Queue(8)"),
    ("channel, many to many", "asyncio.Queue(8)"),
    ("one value", "loop.create_future()"),
    ("mutex", "async with lock:"),
    ("semaphore", "async with semaphore:"),
    ("file", "await asyncio.to_thread(path.read_text)"),
    ("TCP", "await asyncio.open_connection(host, port)"),
    ("HTTP", "aiohttp: await session.get(url)"),
    ("blocking work", "await asyncio.to_thread(work)"),
    ("Ctrl-C", "KeyboardInterrupt out of asyncio.run"),
    ("paused clock", "no: patch the loop's time()"),
];

/// Returns all rows, in a fixed order.
pub fn rows() -> Vec<Row> {
    let row = |&(what, asyncio)| {
        let runtimes = SOURCES.map(|source| snippet(source, what).unwrap_or_default());
        Row { what, asyncio, runtimes }
    };
    ASYNCIO.iter().map(row).collect()
}

/// Returns the lines under `// api: {what}`, without their common indentation and without the
/// slashes of comments.
fn snippet(source: &str, what: &str) -> Option<String> {
    let mut lines = source.lines();
    let title = lines.find(|line| line.trim().strip_prefix("// api: ") == Some(what))?;
    let indentation = title.len() - title.trim_start().len();
    let lines: Vec<_> = lines
        .map(|line| line.get(indentation..).unwrap_or_default())
        // The end of the function also ends the snippet.
        .take_while(|line| !line.is_empty() && *line != "}" && !line.starts_with("// api: "))
        .map(|line| line.trim_start_matches("// "))
        .collect();
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_empty() {
        for row in rows() {
            assert!(row.runtimes.iter().all(|cell| !cell.is_empty()), "{row:?}");
        }
    }

    #[test]
    fn a_cell_that_begins_with_no_names_an_alternative() {
        for row in rows() {
            for cell in row.runtimes.iter().filter(|cell| cell.starts_with("no")) {
                let reason = cell.lines().next().and_then(|line| line.strip_prefix("no: "));
                assert!(reason.is_some_and(|reason| !reason.is_empty()), "{}: {cell}", row.what);
            }
        }
    }

    #[test]
    fn every_snippet_belongs_to_a_row() {
        for source in SOURCES {
            for name in source.lines().filter_map(|line| line.trim().strip_prefix("// api: ")) {
                assert!(ASYNCIO.iter().any(|(what, _)| *what == name), "{name}");
            }
        }
    }

    #[test]
    fn a_snippet_ends_at_an_empty_line_or_with_its_function() {
        let source =
            "    // api: a\n    let a = (\n        1);\n\n    // api: b\n    // no: c\n}\n";
        assert_eq!(snippet(source, "a").as_deref(), Some("let a = (\n    1);"));
        assert_eq!(snippet(source, "b").as_deref(), Some("no: c"));
        assert_eq!(snippet(source, "c"), None);
    }
}
