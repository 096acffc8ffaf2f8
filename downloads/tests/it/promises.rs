//! Tests the promises of `download` and `download_all`, one by one.

use std::cell::{Cell, RefCell};
use std::fs;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::server::{
    self, Pace, Reply, Then, answer, client, concurrency, contents, names_in, script, to,
};
use downloads::names::{part_path, sidecar_path};
use downloads::retry::is_transient;
use downloads::{
    Download, DownloadError, Event, MinSpeed, Options, Outcome, Saved, download, download_all,
};
use futures_util::future::join_all;

/// Downloads one file in a single attempt.
async fn get(file: &Download) -> Result<Outcome, DownloadError> {
    download(&client(), file, concurrency(1), server::no_report).await
}

fn saved(outcome: Outcome) -> Saved {
    match outcome {
        Outcome::Saved(saved) => saved,
        Outcome::Kept(path) => panic!("{} was kept", path.display()),
    }
}

#[tokio::test]
async fn files_arrive_complete_and_results_are_in_order() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let plan = ["c", "a", "b"].map(|name| to(folder.path(), &root, name));
    let results = download_all(&client(), &plan, concurrency(3), server::no_reports).await;
    for (result, Download { path, .. }) in results.into_iter().zip(&plan) {
        let saved = saved(result.unwrap());
        assert_eq!((saved.bytes, &saved.path, saved.resumed_from), (300_000, path, 0));
    }
    assert_eq!(names_in(folder.path()), ["a", "b", "c"]);
    for name in ["a", "b", "c"] {
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), contents(name));
    }
}

#[tokio::test]
async fn no_more_downloads_than_the_limit_run_at_the_same_time() {
    let (root, most) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let plan: Vec<_> = (0..20).map(|n| to(folder.path(), &root, &format!("file{n}"))).collect();
    let (running, most_running) = (Cell::new(0), Cell::new(0));
    let report = |_, event: Event<'_>| match event {
        Event::Started => {
            running.set(running.get() + 1);
            most_running.set(most_running.get().max(running.get()));
        }
        Event::Ended(_) => running.set(running.get() - 1),
        _ => {}
    };
    download_all(&client(), &plan, concurrency(3), report).await;
    assert_eq!(most_running.get(), 3);
    assert!(most.load(SeqCst) <= 3);
    assert_eq!(names_in(folder.path()).len(), 20);
}

#[tokio::test]
async fn no_more_downloads_than_the_limit_run_per_host_and_other_hosts_continue() {
    let ((one, most_of_one), (other, most_of_other)) =
        (server::files().await, server::files().await);
    let folder = tempfile::tempdir().unwrap();
    let name = |n| format!("file{n}");
    let plan: Vec<_> = (0..10)
        .map(|n| to(folder.path(), &one, &name(n)))
        .chain((10..20).map(|n| to(folder.path(), &other, &name(n))))
        .collect();
    let options = Options { per_host: NonZeroUsize::new(2), ..concurrency(4) };
    let (running, most_running) = (Cell::new(0), Cell::new(0));
    let report = |_, event: Event<'_>| match event {
        Event::Started => {
            running.set(running.get() + 1);
            most_running.set(most_running.get().max(running.get()));
        }
        Event::Ended(_) => running.set(running.get() - 1),
        _ => {}
    };
    download_all(&client(), &plan, options, report).await;
    assert_eq!(names_in(folder.path()).len(), 20);
    assert!(most_of_one.load(SeqCst) <= 2 && most_of_other.load(SeqCst) <= 2);
    assert_eq!(most_running.get(), 4, "a download that waits for its host must not hold a permit");
}

#[tokio::test]
async fn if_one_download_fails_the_others_are_still_saved() {
    let (root, _) = server::files().await;
    let broken = server::breaks_off(false).await;
    let folder = tempfile::tempdir().unwrap();
    let plan = [
        to(folder.path(), &root, "first"),
        to(folder.path(), &broken, "broken"),
        to(folder.path(), &format!("{root}/status"), "404"),
        to(&folder.path().join("missing"), &root, "nowhere"),
        to(folder.path(), "file:///etc", "passwd"),
        to(folder.path(), &root, "last"),
    ];
    let results = download_all(&client(), &plan, concurrency(2), server::no_reports).await;
    assert!(matches!(results[1], Err(DownloadError::Transfer { .. })), "{:?}", results[1]);
    assert!(matches!(&results[2], Err(DownloadError::Status { status, .. }) if *status == 404));
    assert!(matches!(results[3], Err(DownloadError::Disk { .. })), "{:?}", results[3]);
    assert!(matches!(results[4], Err(DownloadError::InvalidUrl)), "{:?}", results[4]);
    assert_eq!(names_in(folder.path()), ["first", "last"], "no partial file may be left");
}

#[tokio::test]
async fn a_broken_transfer_leaves_no_incomplete_file_under_the_name() {
    let root = server::breaks_off(false).await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    fs::write(&file.path, "an older version").unwrap();
    let replace = Options { replace: true, ..concurrency(1) };
    let result = download(&client(), &file, replace, server::no_report).await;
    assert!(matches!(result, Err(DownloadError::Transfer { .. })), "{result:?}");
    // Without a validator, the partial file cannot be resumed, so it is removed too.
    assert_eq!(names_in(folder.path()), ["file"]);
    assert_eq!(fs::read_to_string(&file.path).unwrap(), "an older version");
}

#[tokio::test]
async fn until_a_file_is_complete_it_exists_only_as_a_partial_file() {
    let root = server::breaks_off(true).await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    let part = part_path(&file.path);
    let in_the_middle = async {
        server::appears(&part).await;
        server::appears(&sidecar_path(&file.path)).await;
        names_in(folder.path())
    };
    // `select!` drops the download in the middle, before it runs the code of the branch that has
    // won.
    tokio::select! {
        result = get(&file) => panic!("the download ended: {result:?}"),
        names = in_the_middle => assert_eq!(names, ["file.part", "file.part.json"]),
    }
    server::disappears(&part).await;
    server::disappears(&sidecar_path(&file.path)).await;
    assert_eq!(names_in(folder.path()), [""; 0]);
}

/// Returns a file of a million bytes, and a reply that breaks off after half of it.
fn half(headers: &str) -> (Vec<u8>, Reply) {
    let whole: Vec<u8> = (0..1_000_000_u32).map(|n| (n / 3) as u8).collect();
    let headers = format!("Content-Length: 1000000\r\n{headers}");
    let reply = answer(200, &headers, &whole[..500_000]).into();
    (whole, reply)
}

/// Returns the reply to a request for the other half.
fn the_other_half(whole: &[u8]) -> Reply {
    let range = "Content-Length: 500000\r\nContent-Range: bytes 500000-999999/1000000\r\n";
    answer(206, &format!("{TAG}{range}"), &whole[500_000..]).into()
}

const TAG: &str = "ETag: \"one\"\r\n";

#[tokio::test]
async fn a_broken_transfer_is_resumed_if_the_server_identifies_the_version() {
    let (whole, first) = half(TAG);
    let (root, asked) = script(vec![first, the_other_half(&whole)]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    let retrying = Cell::new(0);
    let report = |event: Event<'_>| {
        if let Event::Retrying(..) = event {
            retrying.set(retrying.get() + 1);
        }
    };
    let options = Options { retries: 1, ..concurrency(1) };
    let saved = saved(download(&client(), &file, options, report).await.unwrap());
    assert_eq!((saved.bytes, saved.resumed_from), (1_000_000, 500_000));
    assert_eq!(retrying.get(), 1);
    assert_eq!(asked.header(0, "range"), None);
    assert_eq!(asked.header(0, "accept-encoding").as_deref(), Some("identity"));
    assert_eq!(asked.header(1, "range").as_deref(), Some("bytes=500000-"));
    assert_eq!(asked.header(1, "if-range").as_deref(), Some("\"one\""));
    assert_eq!(names_in(folder.path()), ["file"]);
    assert!(fs::read(&file.path).unwrap() == whole);
}

#[tokio::test]
async fn the_next_run_resumes_too_and_hashes_the_whole_file() {
    use sha2::Digest;
    let (whole, first) = half(TAG);
    let (root, _) = script(vec![first, the_other_half(&whole)]).await;
    let folder = tempfile::tempdir().unwrap();
    let sha256 = Some(sha2::Sha256::digest(&whole).into());
    let file = Download { sha256, ..to(folder.path(), &root, "file") };
    assert!(get(&file).await.is_err());
    assert_eq!(
        names_in(folder.path()),
        ["file.part", "file.part.json"],
        "the part must stay for the next run"
    );
    assert_eq!(saved(get(&file).await.unwrap()).resumed_from, 500_000);
    assert_eq!(names_in(folder.path()), ["file"]);
}

#[tokio::test]
async fn no_response_leads_to_a_wrong_file() {
    // The server's first reply breaks off after half of the file. The second reply is the trap. If
    // the client sends a third request, the server replies with a whole file.
    let tag = |tag: &str| format!("ETag: \"{tag}\"\r\n");
    let range = |range: &str, length: usize| {
        format!("Content-Range: bytes {range}\r\nContent-Length: {length}\r\n")
    };
    let (whole, _) = half("");
    let other: Vec<u8> = vec![b'x'; 1_000_000];
    let all = |headers: &str, body: &[u8]| {
        answer(200, &format!("Content-Length: {}\r\n{headers}", body.len()), body)
    };
    let rest = &whole[500_000..];
    let fits = || range("500000-999999/1000000", 500_000);
    struct Row {
        trap: &'static str,
        first: String,
        second: Vec<u8>,
        asked: usize,
        resumed: u64,
        other: bool,
    }
    let rows = [
        Row {
            trap: "Range is ignored",
            first: tag("a"),
            second: all(&tag("a"), &whole),
            asked: 2,
            resumed: 0,
            other: false,
        },
        Row {
            trap: "the file has changed, and the server says so",
            first: tag("a"),
            second: all(&tag("b"), &other),
            asked: 2,
            resumed: 0,
            other: true,
        },
        Row {
            trap: "the file has changed, and the server still sends a range of it",
            first: tag("a"),
            second: answer(206, &(tag("b") + &fits()), &other[500_000..]),
            asked: 3,
            resumed: 0,
            other: false,
        },
        Row {
            trap: "a different range from the one that we asked for",
            first: tag("a"),
            second: answer(206, &range("499999-999999/1000000", 500_001), &whole[499_999..]),
            asked: 3,
            resumed: 0,
            other: false,
        },
        Row {
            trap: "a range of a file of another length",
            first: tag("a"),
            second: answer(206, &range("500000-999999/1000001", 500_000), rest),
            asked: 3,
            resumed: 0,
            other: false,
        },
        Row {
            trap: "a reversed range",
            first: tag("a"),
            second: answer(206, &range("999999-500000/1000000", 500_000), rest),
            asked: 3,
            resumed: 0,
            other: false,
        },
        Row {
            trap: "a range, without a header that says which range",
            first: tag("a"),
            second: answer(206, "Content-Length: 500000\r\n", rest),
            asked: 3,
            resumed: 0,
            other: false,
        },
        Row {
            trap: "416, although our part is not complete",
            first: tag("a"),
            second: answer(416, &range("*/1000000", 0), b""),
            asked: 3,
            resumed: 0,
            other: false,
        },
        Row {
            trap: "a weak validator, which does not allow us to resume",
            first: "ETag: W/\"a\"\r\n".into(),
            second: all("", &whole),
            asked: 2,
            resumed: 0,
            other: false,
        },
        Row {
            trap: "no trap: the rest, as we asked for",
            first: tag("a"),
            second: answer(206, &(tag("a") + &fits()), rest),
            asked: 2,
            resumed: 500_000,
            other: false,
        },
    ];
    // All rows run concurrently, because each of them waits for a random time before its second
    // attempt.
    let (whole, other, tag, all) = (&whole, &other, &tag, &all);
    join_all(rows.into_iter().map(|row| async move {
        let Row { trap, first, second, asked: times, resumed, other: is_other } = row;
        let server = || {
            let third = all(&tag("c"), whole);
            script(vec![half(&first).1, second.clone().into(), third.into()])
        };
        let expected = if is_other { other } else { whole };
        // Each row runs once through the library and once through the program.
        let ((root, asked), (root_of_program, asked_by_program)) = (server().await, server().await);
        let (folder, folder_of_program) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = to(folder.path(), &root, "file");
        let mut program = assert_cmd::Command::new(env!("CARGO_BIN_EXE_downloads"));
        program.args(["--retries", "1", "--json", "-d"]).arg(folder_of_program.path());
        program.arg(format!("{root_of_program}/file")).env("NO_PROXY", "127.0.0.1");
        let program = tokio::task::spawn_blocking(move || program.output().unwrap());
        let options = Options { retries: 1, ..concurrency(1) };
        let client = client();
        let (result, output) =
            tokio::join!(download(&client, &file, options, server::no_report), program);
        let row: serde_json::Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
        assert_eq!(saved(result.unwrap()).resumed_from, resumed, "{trap}");
        assert_eq!(row["resumed_from"], resumed, "{trap}: {row}");
        for (folder, asked) in [(folder, asked), (folder_of_program, asked_by_program)] {
            assert!(fs::read(folder.path().join("file")).unwrap() == *expected, "{trap}");
            assert_eq!(names_in(folder.path()), ["file"], "{trap}");
            assert_eq!(asked.times(), times, "{trap}");
            if times == 3 {
                assert_eq!(
                    asked.header(2, "range"),
                    None,
                    "{trap}: the third request is for the whole file"
                );
            }
        }
    }))
    .await;
}

/// A server may close an idle connection at the moment at which the client sends a request over it.
#[tokio::test]
async fn a_request_without_an_answer_is_sent_again_but_only_once() {
    let first = b"HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nfirst".to_vec();
    let replies = vec![
        Reply { bytes: first, then: Then::ReadOn },
        Vec::new().into(),
        answer(200, "Content-Length: 6\r\n", b"second").into(),
    ];
    let (root, asked) = script(replies).await;
    let folder = tempfile::tempdir().unwrap();
    let plan = ["one", "two"].map(|name| to(folder.path(), &root, name));
    // This download may not retry, so sending the request again must not count as a retry.
    let results = download_all(&client(), &plan, concurrency(1), server::no_reports).await;
    let bytes: Vec<_> = results.into_iter().map(|result| saved(result.unwrap()).bytes).collect();
    assert_eq!((bytes, asked.times()), (vec![5, 6], 3));

    // A server that never answers is asked twice in each of the two attempts.
    let (root, asked) = script(vec![Vec::new().into()]).await;
    let options = Options { retries: 1, ..concurrency(1) };
    let file = to(folder.path(), &root, "three");
    let error = download(&client(), &file, options, server::no_report).await.unwrap_err();
    assert!(matches!(error, DownloadError::Transfer(_)), "{error:?}");
    assert_eq!(asked.times(), 4);
    assert_eq!(names_in(folder.path()), ["one", "two"]);
}

/// Leaves a partial file as an earlier run would have.
fn leave_part(file: &Download, bytes: &[u8], origin: &str) {
    fs::write(part_path(&file.path), bytes).unwrap();
    fs::write(sidecar_path(&file.path), origin.replace("URL", &file.url)).unwrap();
}

const ORIGIN: &str = r#"{"url":"URL","validator":{"ETag":"\"one\""},"length":9}"#;

#[tokio::test]
async fn a_part_that_is_already_complete_is_only_renamed() {
    let reply = answer(416, "Content-Range: bytes */9\r\nContent-Length: 0\r\n", b"");
    let (root, asked) = script(vec![reply.into()]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    leave_part(&file, b"all of it", ORIGIN);
    let saved = saved(get(&file).await.unwrap());
    assert_eq!((saved.bytes, saved.resumed_from, asked.times()), (9, 9, 1));
    assert_eq!(names_in(folder.path()), ["file"]);
    assert_eq!(fs::read_to_string(&file.path).unwrap(), "all of it");
}

#[tokio::test]
async fn a_part_that_cannot_be_resumed_is_replaced() {
    let reply = || answer(200, "Content-Length: 4\r\n", b"this").into();
    let no_validator = r#"{"url":"URL","validator":null,"length":9}"#;
    for origin in [&ORIGIN.replace("URL", "http://elsewhere/"), no_validator] {
        let (root, asked) = script(vec![reply()]).await;
        let folder = tempfile::tempdir().unwrap();
        let file = to(folder.path(), &root, "file");
        leave_part(&file, b"something else", origin);
        assert_eq!(saved(get(&file).await.unwrap()).bytes, 4);
        assert_eq!(asked.header(0, "range"), None);
        assert_eq!(fs::read_to_string(&file.path).unwrap(), "this");
        assert_eq!(names_in(folder.path()), ["file"]);
    }
}

#[tokio::test]
async fn a_failed_download_does_not_touch_the_part_of_another_url() {
    let (root, _) = script(vec![answer(404, "Content-Length: 0\r\n", b"").into()]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    leave_part(&file, b"half of it", &ORIGIN.replace("URL", "http://elsewhere/"));
    assert!(get(&file).await.is_err());
    assert_eq!(fs::read_to_string(part_path(&file.path)).unwrap(), "half of it");
    assert_eq!(names_in(folder.path()), ["file.part", "file.part.json"]);
}

#[tokio::test]
async fn a_sidecar_that_is_not_ours_is_left_alone() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    fs::write(sidecar_path(&file.path), "precious").unwrap();
    let error = get(&file).await.unwrap_err();
    assert!(matches!(error, DownloadError::NotOurs { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(sidecar_path(&file.path)).unwrap(), "precious");
    // A sidecar of ours that was cut short does not count as somebody else's file.
    fs::write(sidecar_path(&file.path), r#"{"url":"http://"#).unwrap();
    fs::write(part_path(&file.path), "").unwrap();
    assert_eq!(saved(get(&file).await.unwrap()).bytes, 300_000);
    assert_eq!(names_in(folder.path()), ["file"]);
}

#[tokio::test]
async fn a_name_given_by_the_server_is_kept_when_resuming() {
    let (whole, _) = half("");
    let named = format!("{TAG}Content-Disposition: attachment; filename=given\r\n");
    let (_, first) = half(&named);
    let (root, _) = script(vec![first, the_other_half(&whole)]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    assert!(get(&file).await.is_err());
    assert_eq!(saved(get(&file).await.unwrap()).path, folder.path().join("given"));
    assert_eq!(names_in(folder.path()), ["given"]);
}

#[tokio::test]
async fn a_part_that_is_not_ours_or_in_use_is_left_alone() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    fs::write(part_path(&file.path), "another program's").unwrap();
    let error = get(&file).await.unwrap_err();
    assert!(matches!(error, DownloadError::NotOurs { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(part_path(&file.path)).unwrap(), "another program's");

    leave_part(&file, b"at this moment", ORIGIN);
    let other = RefCell::new(Some(fs::File::open(part_path(&file.path)).unwrap()));
    other.borrow().as_ref().unwrap().lock().unwrap();
    let events = RefCell::new(Vec::new());
    let report = |event: Event<'_>| {
        events.borrow_mut().push(format!("{event:?}"));
        if let Event::Waiting(part) = event {
            assert_eq!(part, part_path(&file.path));
            assert_eq!(fs::read(part).unwrap(), b"at this moment");
            other.borrow_mut().take(); // releases the lock
        }
    };
    let result = download(&client(), &file, concurrency(1), report).await;
    assert_eq!(saved(result.unwrap()).bytes, 300_000);
    let waits = events.borrow().iter().filter(|event| event.starts_with("Waiting")).count();
    assert_eq!(waits, 1, "{events:?}");
}

#[tokio::test]
async fn a_part_that_another_program_replaces_or_removes_never_gets_the_name() {
    for is_replaced in [true, false] {
        let contents = Arc::new(half("").0);
        let (root, mut sent) = server::with_ranges(Arc::clone(&contents), Pace::Slow).await;
        let folder = tempfile::tempdir().unwrap();
        let file = to(folder.path(), &root, "file");
        let meddle = async {
            sent.wait_for(|&sent| sent > 5).await.unwrap();
            server::appears(&part_path(&file.path)).await;
            if is_replaced {
                fs::write(folder.path().join("other"), "of another program").unwrap();
                fs::rename(folder.path().join("other"), part_path(&file.path)).unwrap();
            } else {
                fs::remove_file(part_path(&file.path)).unwrap();
            }
        };
        let (result, ()) = tokio::join!(get(&file), meddle);
        assert_eq!(saved(result.unwrap()).bytes, 1_000_000);
        assert!(fs::read(&file.path).unwrap() == *contents);
        if is_replaced {
            assert_eq!(names_in(folder.path()), ["file", "file.part"]);
            assert_eq!(fs::read(part_path(&file.path)).unwrap(), b"of another program");
        } else {
            assert_eq!(names_in(folder.path()), ["file"]);
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_part_of_another_user_is_left_alone() {
    let (root, _) = server::files().await;
    for name in ["file.part", "file.part.json"] {
        let folder = tempfile::tempdir().unwrap();
        let file = to(folder.path(), &root, "file");
        leave_part(&file, b"a trap", ORIGIN);
        let theirs = folder.path().join(name);
        if std::os::unix::fs::chown(&theirs, Some(12345), None).is_err() {
            return eprintln!("skipped: only root can give a file to another user");
        }
        let error = get(&file).await.unwrap_err();
        assert!(matches!(&error, DownloadError::OtherUser { file } if *file == theirs), "{error}");
        assert_eq!(fs::read(part_path(&file.path)).unwrap(), b"a trap");
    }
}

#[tokio::test]
async fn the_longest_names_are_saved_too() {
    for length in [5, 200_000] {
        let headers = format!("{TAG}Content-Length: {length}\r\n");
        let (root, _) = script(vec![answer(200, &headers, &vec![b'n'; length]).into()]).await;
        let folder = tempfile::tempdir().unwrap();
        for name in [243, 244, 245].map(|length| "x".repeat(length)) {
            let file = to(folder.path(), &root, &name);
            for replace in [false, true] {
                let options = Options { replace, ..concurrency(1) };
                let result = download(&client(), &file, options, server::no_report).await;
                assert_eq!(saved(result.unwrap()).bytes, length as u64);
                assert_eq!(fs::read(&file.path).unwrap().len(), length);
            }
        }
        assert_eq!(names_in(folder.path()).len(), 3);
    }
}

#[tokio::test]
async fn the_same_file_downloaded_twice_at_once_is_saved_once_and_kept_once() {
    for length in [5, 200_000] {
        let headers = format!("{TAG}Content-Length: {length}\r\n");
        let reply = answer(200, &headers, &vec![b'n'; length]);
        for round in 0..3 {
            let (root, _) = script(vec![reply.clone().into()]).await;
            let folder = tempfile::tempdir().unwrap();
            let file = to(folder.path(), &root, "file");
            let (first, second) = tokio::join!(get(&file), get(&file));
            let kept = [first.unwrap(), second.unwrap()]
                .iter()
                .filter(|outcome| matches!(outcome, Outcome::Kept(_)))
                .count();
            assert_eq!(kept, 1, "{length} bytes, round {round}");
            assert_eq!(names_in(folder.path()), ["file"]);
        }
    }
}

#[tokio::test]
async fn an_attempt_that_makes_progress_earns_new_retries() {
    let contents = Arc::new(half("").0);
    // The file has 31 pieces, so it takes five attempts.
    let (root, _) = server::with_ranges(Arc::clone(&contents), Pace::BreaksAfter(7)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    let options = Options { retries: 1, ..concurrency(1) };
    let saved = saved(download(&client(), &file, options, server::no_report).await.unwrap());
    assert_eq!(saved.resumed_from, 28 * server::PIECE as u64);
    assert!(fs::read(&file.path).unwrap() == *contents);

    // Without a validator, every attempt starts over, and none gets further than the first.
    let (_, first) = half("");
    let (root, asked) = script(vec![first]).await;
    let options = Options { retries: 1, ..concurrency(1) };
    let file = to(folder.path(), &root, "other");
    download(&client(), &file, options, server::no_report).await.unwrap_err();
    assert_eq!(asked.times(), 2);
    // The same is true if the server names another version each time.
    let versions = ["a", "b", "c"].map(|tag| half(&format!("ETag: \"{tag}\"\r\n")).1);
    let (root, asked) = script(versions.into()).await;
    let options = Options { retries: 1, ..concurrency(1) };
    let file = to(folder.path(), &root, "third");
    download(&client(), &file, options, server::no_report).await.unwrap_err();
    assert_eq!(asked.times(), 2, "the same half of another version is no progress");
}

#[tokio::test]
async fn a_transfer_that_is_too_slow_is_resumed() {
    let contents = Arc::new(half("").0);
    let (root, _) = server::with_ranges(Arc::clone(&contents), Pace::StopsAfter(10)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    let min_speed = MinSpeed { bytes_per_second: 1, over: Duration::from_millis(100) };
    // One retry is enough, unless the machine is so busy that another transfer seems to stall.
    let options = Options { retries: 5, min_speed, ..concurrency(1) };
    let errors = RefCell::new(Vec::new());
    let report = |event: Event<'_>| {
        if let Event::Retrying(error, _) = event {
            errors.borrow_mut().push(error.to_string());
        }
    };
    let saved = saved(download(&client(), &file, options, report).await.unwrap());
    assert!(saved.resumed_from >= 10 * server::PIECE as u64, "{saved:?}");
    assert!(errors.borrow()[0].starts_with("stalled: the server sent 0 bytes"), "{errors:?}");
    assert!(fs::read(&file.path).unwrap() == *contents);
}

#[tokio::test]
async fn all_downloads_together_stay_within_the_rate_limit() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let plan = ["a", "b"].map(|name| to(folder.path(), &root, name));
    let options = Options { limit_rate: NonZeroU64::new(3_000_000), ..concurrency(2) };
    let start = std::time::Instant::now();
    let results = download_all(&client(), &plan, options, server::no_reports).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert!(start.elapsed() >= Duration::from_millis(200), "600,000 bytes need 0.2 s");
}

#[tokio::test]
async fn headers_and_passwords_stay_with_their_server() {
    let (other, asked_other) =
        script(vec![answer(200, "Content-Length: 2\r\n", b"ok").into()]).await;
    let there = format!("Location: {other}/there\r\nContent-Length: 0\r\n");
    let here = "Location: here\r\nContent-Length: 0\r\n";
    let replies = [answer(302, here, b""), answer(307, &there, b"")];
    let (root, asked) = script(replies.map(Reply::from).into()).await;
    let folder = tempfile::tempdir().unwrap();
    let secret = root.replace("http://", "http://me:secret@") + "/signed?key=secret";
    let file = Download { url: secret, ..to(folder.path(), &root, "file") };
    let headers = [("x-key", "secret"), ("user-agent", "mine")];
    let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    let options = Options { headers: headers.into_iter().collect(), ..concurrency(1) };
    download(&client(), &file, options, server::no_report).await.unwrap();
    for place in [0, 1] {
        assert_eq!(asked.header(place, "x-key").as_deref(), Some("secret"));
        assert_eq!(asked.header(place, "user-agent").as_deref(), Some("mine"));
        assert!(asked.header(place, "authorization").is_some());
        assert_eq!(asked.header(place, "referer"), None);
    }
    assert_eq!(asked_other.times(), 1);
    for name in ["x-key", "user-agent", "authorization", "referer"] {
        assert_eq!(asked_other.header(0, name), None);
    }
}

#[tokio::test]
async fn a_refused_certificate_is_called_that_and_not_retried() {
    let root = server::over_tls(answer(200, "Content-Length: 2\r\n", b"ok")).await;
    let error = error_of(&client(), &root).await;
    assert!(matches!(error, DownloadError::Certificate(_)) && !is_transient(&error), "{error:?}");
    assert!(error.to_string().starts_with("refused the server's certificate: "), "{error}");
    let authority = reqwest::Certificate::from_pem(server::AUTHORITY.as_bytes()).unwrap();
    let trusting =
        downloads::client_builder().no_proxy().tls_certs_only([authority]).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    download(&trusting, &file, concurrency(1), server::no_report).await.unwrap();
    assert_eq!(fs::read(&file.path).unwrap(), b"ok");
}

#[tokio::test]
async fn a_redirect_to_something_other_than_http_is_an_error() {
    for location in ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://"] {
        let headers = format!("Location: {location}\r\nContent-Length: 0\r\n");
        let (root, _) = script(vec![answer(302, &headers, b"").into()]).await;
        let error = error_of(&client(), &root).await;
        assert!(matches!(error, DownloadError::UnsupportedRedirect), "{error:?}");
    }
    // Without a location, there is nowhere to go.
    let (root, _) = script(vec![answer(302, "Content-Length: 0\r\n", b"").into()]).await;
    let error = error_of(&client(), &root).await;
    assert!(matches!(error, DownloadError::Status { .. }), "{error:?}");
}

/// An HTTP/2 server that serves ten requests per connection, and then refuses all others.
async fn ten_per_connection() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(socket).await.unwrap();
                for _ in 0..10 {
                    let Some(Ok((_, mut respond))) = connection.accept().await else { return };
                    let response = axum::http::Response::builder().header("content-length", 2);
                    let mut body =
                        respond.send_response(response.body(()).unwrap(), false).unwrap();
                    body.send_data("ok".into(), true).unwrap();
                }
                connection.graceful_shutdown();
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    respond.send_reset(h2::Reason::REFUSED_STREAM);
                }
            });
        }
    });
    root
}

#[tokio::test]
async fn requests_that_a_server_has_not_looked_at_are_sent_again() {
    let root = ten_per_connection().await;
    let folder = tempfile::tempdir().unwrap();
    let plan: Vec<_> = (0..100).map(|n| to(folder.path(), &root, &n.to_string())).collect();
    let client = downloads::client_builder()
        .tls_certs_only([])
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let results = download_all(&client, &plan, concurrency(100), server::no_reports).await;
    let errors: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert!(errors.is_empty(), "{} of 100 failed: {:?}", errors.len(), errors[0]);
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_written_through_a_symbolic_link() {
    use std::os::unix::fs::symlink;
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let precious = outside.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    let file = to(folder.path(), &root, "file");
    symlink(&precious, part_path(&file.path)).unwrap();
    assert!(matches!(get(&file).await, Err(DownloadError::NotOurs { .. })));
    fs::remove_file(part_path(&file.path)).unwrap();
    // Now we put one link in place of the sidecar, and another in place of the file itself.
    symlink(&precious, sidecar_path(&file.path)).unwrap();
    assert!(matches!(get(&file).await, Err(DownloadError::NotOurs { .. })));
    fs::remove_file(sidecar_path(&file.path)).unwrap();
    symlink(&precious, &file.path).unwrap();
    assert_eq!(get(&file).await.unwrap(), Outcome::Kept(file.path.clone()));
    let replace = Options { replace: true, ..concurrency(1) };
    download(&client(), &file, replace, server::no_report).await.unwrap();
    assert_eq!(fs::read(&file.path).unwrap(), contents("file"));
    assert!(!file.path.is_symlink(), "the link must be replaced, not followed");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert_eq!(names_in(outside.path()), ["precious"]);
    // A link to nowhere is not a file that could be kept.
    fs::remove_file(&file.path).unwrap();
    symlink(outside.path().join("nothing"), &file.path).unwrap();
    assert!(matches!(get(&file).await, Err(DownloadError::Disk { .. })));
    assert_eq!(names_in(outside.path()), ["precious"]);
}

#[tokio::test]
async fn a_folder_in_the_way_is_an_error_and_stays() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    fs::create_dir(&file.path).unwrap();
    for replace in [false, true] {
        let options = Options { replace, ..concurrency(1) };
        let result = download(&client(), &file, options, server::no_report).await;
        assert!(matches!(result, Err(DownloadError::Disk { .. })), "{result:?}");
        assert_eq!(names_in(folder.path()), ["file"]);
    }
}

#[tokio::test]
async fn a_file_with_the_wrong_sha256_is_not_saved() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let file = Download { sha256: Some([7; 32]), ..to(folder.path(), &root, "file") };
    let error = get(&file).await.unwrap_err();
    assert!(matches!(error, DownloadError::Checksum { expected: [7, ..], .. }), "{error:?}");
    assert_eq!(names_in(folder.path()), [""; 0]);
    // The SHA-256 of an existing file is checked as well.
    fs::write(&file.path, "another").unwrap();
    let error = get(&file).await.unwrap_err();
    assert!(matches!(error, DownloadError::Differs { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(&file.path).unwrap(), "another");
}

#[tokio::test]
async fn a_resumed_file_with_the_wrong_sha256_is_downloaded_again() {
    use sha2::Digest;
    // Somebody has written into the partial file, and the server says that the version is still
    // the same.
    let (whole, _) = half("");
    let rest = format!("{TAG}Content-Length: 999991\r\nContent-Range: bytes 9-999999/1000000\r\n");
    let all = format!("{TAG}Content-Length: 1000000\r\n");
    let replies = vec![answer(206, &rest, &whole[9..]).into(), answer(200, &all, &whole).into()];
    let (root, asked) = script(replies).await;
    let folder = tempfile::tempdir().unwrap();
    let sha256 = Some(sha2::Sha256::digest(&whole).into());
    let file = Download { sha256, ..to(folder.path(), &root, "file") };
    leave_part(&file, b"all wrong", &ORIGIN.replace("\"length\":9", "\"length\":1000000"));
    let options = Options { retries: 1, ..concurrency(1) };
    let saved = saved(download(&client(), &file, options, server::no_report).await.unwrap());
    assert_eq!((asked.times(), saved.resumed_from), (2, 0));
    assert!(fs::read(&file.path).unwrap() == whole);
}

#[tokio::test]
async fn the_server_may_name_the_file_but_not_its_folder() {
    let named = |header: &str| {
        answer(200, &format!("Content-Disposition: {header}\r\nContent-Length: 2\r\n"), b"ok")
            .into()
    };
    for (header, name) in [
        ("attachment; filename=\"report.pdf\"", "report.pdf"),
        ("attachment; filename=\"../../../tmp/evil\"", "evil"),
        ("attachment; filename=\"../../.bashrc\"", "_bashrc"),
        ("attachment; filename*=UTF-8''..%2F..%2Fevil", "evil"),
        ("attachment; filename=\"/etc/passwd\"", "passwd"),
        ("attachment; filename=\".bashrc\"", "_bashrc"),
        ("attachment; filename=\"..\"", "file"),
        ("attachment; filename=\"nul.txt\"", "_nul.txt"),
    ] {
        let (root, _) = script(vec![named(header)]).await;
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("a/b");
        fs::create_dir_all(&folder).unwrap();
        let saved = saved(get(&to(&folder, &root, "file")).await.unwrap());
        assert_eq!(saved.path, folder.join(name), "{header}");
        assert_eq!(names_in(&folder), [name], "{header}");
        assert_eq!(names_in(outer.path()), ["a"], "{header}");
    }
    // The server gives two files the same name, and a third one the name of another download.
    let (root, _) = script(vec![named("attachment; filename=\"same\"")]).await;
    let (parts, _) = script(vec![named("attachment; filename=\"ONE\"")]).await;
    let folder = tempfile::tempdir().unwrap();
    let plan = [
        to(folder.path(), &root, "one"),
        to(folder.path(), &root, "two"),
        to(folder.path(), &parts, "three"),
    ];
    let results = download_all(&client(), &plan, concurrency(1), server::no_reports).await;
    assert!(results[0].is_ok());
    assert!(matches!(results[1], Err(DownloadError::NameTaken { .. })), "{:?}", results[1]);
    assert!(matches!(results[2], Err(DownloadError::NameTaken { .. })), "{:?}", results[2]);
    assert_eq!(names_in(folder.path()), ["same"]);
    // The server gives a file a name that already exists.
    assert_eq!(get(&plan[0]).await.unwrap(), Outcome::Kept(folder.path().join("same")));
    // A server never decides which file to replace. And an existing file with another SHA-256 is
    // an error.
    let replace = Options { replace: true, ..concurrency(1) };
    let kept = download(&client(), &plan[0], replace, server::no_report).await.unwrap();
    assert_eq!(kept, Outcome::Kept(folder.path().join("same")));
    let wrong = Download { sha256: Some([7; 32]), ..plan[0].clone() };
    assert!(matches!(get(&wrong).await, Err(DownloadError::Differs { .. })));
    // A name given by the user stays.
    let file = Download { may_be_renamed: false, ..to(folder.path(), &root, "mine") };
    assert_eq!(saved(get(&file).await.unwrap()).path, file.path);
}

#[tokio::test]
async fn a_transfer_that_stalls_is_resumed() {
    let contents = Arc::new(half("").0);
    let (root, _) = server::with_ranges(Arc::clone(&contents), Pace::StopsAfter(10)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    let hasty = downloads::client_builder()
        .tls_certs_only([])
        .no_proxy()
        .read_timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    // One retry is enough, unless the machine is so busy that another transfer seems to stall.
    let options = Options { retries: 5, ..concurrency(1) };
    let saved = saved(download(&hasty, &file, options, server::no_report).await.unwrap());
    assert!(saved.resumed_from >= 10 * server::PIECE as u64, "{saved:?}");
    assert!(fs::read(&file.path).unwrap() == *contents);
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    join_all([429, 503].map(|status| async move {
        let later = answer(status, "Retry-After: 1\r\nContent-Length: 0\r\n", b"");
        let good = answer(200, "Content-Length: 4\r\n", b"good");
        let (root, asked) = script(vec![later.into(), good.into()]).await;
        let folder = tempfile::tempdir().unwrap();
        let plan = ["waits", "appears"].map(|name| to(folder.path(), &root, name));
        let options = Options { retries: 1, ..concurrency(1) };
        // While the first download waits, another program saves the second file. When the second
        // download begins, the check made at the start is too old to rely on.
        let report = |_, event: Event<'_>| {
            if let Event::Retrying(_, pause) = event {
                assert_eq!(pause, Duration::from_secs(1));
                fs::write(&plan[1].path, "another program's").unwrap();
            }
        };
        let results = download_all(&client(), &plan, options, report).await;
        assert!(asked.when(1) - asked.when(0) >= Duration::from_secs(1));
        assert!(matches!(results[0], Ok(Outcome::Saved(_))), "{:?}", results[0]);
        assert!(matches!(results[1], Ok(Outcome::Kept(_))), "{:?}", results[1]);
        assert_eq!(asked.times(), 2);
        assert_eq!(fs::read_to_string(&plan[1].path).unwrap(), "another program's");
    }))
    .await;
}

#[tokio::test]
async fn a_permanent_failure_is_not_retried() {
    let missing = answer(404, "Content-Length: 0\r\n", b"");
    let (root, asked) = script(vec![missing.into()]).await;
    let folder = tempfile::tempdir().unwrap();
    let options = Options { retries: 5, ..concurrency(1) };
    assert!(
        download(&client(), &to(folder.path(), &root, "x"), options, server::no_report)
            .await
            .is_err()
    );
    assert_eq!(asked.times(), 1);
}

#[tokio::test]
async fn progress_is_reported() {
    let short = answer(200, "Content-Length: 5\r\n", b"short");
    for (root, length) in
        [(server::files().await.0, 300_000), (script(vec![short.into()]).await.0, 5)]
    {
        let folder = tempfile::tempdir().unwrap();
        let file = to(folder.path(), &root, "file");
        let seen = RefCell::new(Vec::new());
        let report = |event: Event<'_>| {
            if let Event::Received(so_far, total) = event {
                seen.borrow_mut().push((so_far, total));
            }
        };
        download(&client(), &file, concurrency(1), report).await.unwrap();
        let seen = seen.into_inner();
        assert_eq!(seen.last(), Some(&(length, Some(length))));
        assert!(seen.is_sorted(), "{seen:?}");
    }
}

#[tokio::test]
async fn a_file_without_a_length_is_saved() {
    let (root, _) = script(vec![answer(200, "", b"until I hang up").into()]).await;
    let folder = tempfile::tempdir().unwrap();
    let saved = saved(get(&to(folder.path(), &root, "file")).await.unwrap());
    assert_eq!(saved.bytes, 15);
    assert_eq!(names_in(folder.path()), ["file"]);
    assert!(Path::new(&saved.path).is_file());
}

/// Starts a server that sends a long file as fast as it can. Returns the contents of the file, the
/// root URL, and an empty folder.
async fn fast() -> (Arc<Vec<u8>>, String, tempfile::TempDir) {
    let contents = Arc::new(vec![7; 12_000_000]);
    let (root, _) = server::with_ranges(Arc::clone(&contents), Pace::Fast).await;
    (contents, root, tempfile::tempdir().unwrap())
}

/// This runtime has one thread for blocking work, and the test occupies it before the writer can
/// use it. To the download, this looks like a disk that stalls.
#[test]
fn a_disk_that_stalls_stops_the_transfer() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (contents, root, folder) = fast().await;
        let plan = [to(folder.path(), &root, "file")];
        let (disk_runs_again, stands_still) = std::sync::mpsc::channel::<()>();
        let stands_still = Cell::new(Some(stands_still));
        let (pieces, received) = (Cell::new(0), tokio::sync::watch::Sender::new(0));
        let report = |_, event: Event<'_>| match event {
            Event::Started => {
                let stands_still = stands_still.take().unwrap();
                tokio::task::spawn_blocking(move || stands_still.recv());
            }
            Event::Received(so_far, _) => {
                pieces.set(pieces.get() + 1);
                received.send_replace(so_far);
            }
            _ => {}
        };
        let mut changes = received.subscribe();
        let until_it_stops = async {
            // On a busy machine, the transfer may seem to stop too early. In that case, this test
            // checks less, but does not fail.
            let pause = Duration::from_millis(200);
            while tokio::time::timeout(pause, changes.changed()).await.is_ok() {}
            let so_far = *changes.borrow();
            assert!(
                so_far < contents.len() as u64,
                "the download must not hold the whole file in memory"
            );
            assert!(pieces.get() <= 9, "{} pieces are waiting for the disk", pieces.get());
            drop(disk_runs_again);
        };
        let client = client();
        let download = download_all(&client, &plan, concurrency(1), report);
        let (results, ()) = tokio::join!(download, until_it_stops);
        assert_eq!(saved(results.into_iter().next().unwrap().unwrap()).bytes, 12_000_000);
        assert!(fs::read(&plan[0].path).unwrap() == *contents);
    });
}

#[tokio::test]
async fn a_disk_that_fails_ends_the_transfer() {
    let (contents, root, folder) = fast().await;
    let file = to(&folder.path().join("missing"), &root, "file");
    let received = Cell::new(0);
    let report = |event: Event<'_>| {
        if let Event::Received(so_far, _) = event {
            received.set(so_far);
        }
    };
    let error = download(&client(), &file, concurrency(1), report).await.unwrap_err();
    assert!(matches!(error, DownloadError::Disk { .. }), "{error:?}");
    assert!(received.get() < contents.len() as u64, "the rest must not be received");
}

/// Returns the error of one attempt to download a file.
async fn error_of(client: &reqwest::Client, root: &str) -> DownloadError {
    let folder = tempfile::tempdir().unwrap();
    download(client, &to(folder.path(), root, "file"), concurrency(1), server::no_report)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn an_error_names_its_cause() {
    let begun = answer(200, "Content-Length: 9\r\n", b"begun");
    let silent = Reply { bytes: Vec::new(), then: Then::StaySilent };
    let nobody = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let builder = || downloads::client_builder().tls_certs_only([]).no_proxy();
    let short = Duration::from_millis(50);
    let hasty_to_connect = builder().connect_timeout(short).build().unwrap();
    let hasty_to_read = builder().read_timeout(short).build().unwrap();
    let patient = client();
    for (client, reply, scheme, words) in [
        // The server never answers the TLS handshake, which is part of connecting.
        (&hasty_to_connect, &silent, "https:", "timed out while connecting"),
        (&hasty_to_read, &silent, "http:", "timed out: the server sent nothing for too long"),
        (&patient, &begun.into(), "http:", "the connection broke: "),
    ] {
        let (root, asked) = script(vec![reply.clone()]).await;
        let error = error_of(client, &root.replace("http:", scheme)).await;
        assert!(is_transient(&error), "{error:?}");
        assert!(error.to_string().starts_with(words), "{error}");
        assert_eq!(asked.connections(), 1, "{words}: the client must not ask again immediately");
    }
    let error = error_of(&patient, &nobody).await;
    assert!(is_transient(&error) && error.to_string().starts_with("cannot connect: "), "{error}");
}

/// The paused clock jumps to the next timer whenever all tasks wait, so half a minute takes no
/// real time.
#[tokio::test(start_paused = true)]
async fn a_client_waits_ten_seconds_to_connect_and_thirty_for_an_answer() {
    let silent = Reply { bytes: Vec::new(), then: Then::StaySilent };
    let (root, _) = script(vec![silent]).await;
    for (scheme, seconds) in [("https:", 10), ("http:", 30)] {
        let start = tokio::time::Instant::now();
        let error = error_of(&client(), &root.replace("http:", scheme)).await;
        assert_eq!(start.elapsed().as_secs(), seconds, "{error}");
    }
}

#[tokio::test]
async fn a_redirect_loop_is_not_retried() {
    let circle = answer(302, "Location: /file\r\nContent-Length: 0\r\n", b"");
    let (root, asked) = script(vec![circle.into()]).await;
    let folder = tempfile::tempdir().unwrap();
    let options = Options { retries: 1, ..concurrency(1) };
    let file = to(folder.path(), &root, "file");
    let error = download(&client(), &file, options, server::no_report).await.unwrap_err();
    assert!(matches!(error, DownloadError::TooManyRedirects), "{error:?}");
    assert_eq!(asked.times(), 11, "the first request, and ten redirects");
}

#[tokio::test]
async fn only_a_long_file_leaves_a_part() {
    for (length, left) in [(131_072, &[][..]), (131_073, &["file.part", "file.part.json"])] {
        let headers = format!("{TAG}Content-Length: {length}\r\n");
        let (root, _) = script(vec![answer(200, &headers, b"only the beginning").into()]).await;
        let folder = tempfile::tempdir().unwrap();
        let error = get(&to(folder.path(), &root, "file")).await.unwrap_err();
        assert!(matches!(error, DownloadError::Transfer(_)), "{error:?}");
        assert_eq!(names_in(folder.path()), left, "{length} bytes");
    }
}

#[tokio::test]
async fn short_and_long_files_are_saved_without_syncs_too() {
    let short = answer(200, "Content-Length: 5\r\n", b"short");
    let (short, _) = script(vec![short.into()]).await;
    let (long, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let plan: Vec<_> = (0..20)
        .map(|n| to(folder.path(), if n % 4 == 0 { &long } else { &short }, &format!("{n}")))
        .collect();
    let options = Options { sync: false, ..concurrency(8) };
    let results = download_all(&client(), &plan, options, server::no_reports).await;
    for (n, (result, file)) in results.into_iter().zip(&plan).enumerate() {
        let expected = if n % 4 == 0 { contents(&format!("{n}")) } else { b"short".to_vec() };
        assert_eq!(saved(result.unwrap()).path, file.path);
        assert!(fs::read(&file.path).unwrap() == expected, "{n}");
    }
    assert_eq!(names_in(folder.path()).len(), 20);
}

#[tokio::test]
async fn a_second_attempt_may_use_the_same_name_as_the_first() {
    let (whole, _) = half("");
    let named = format!("{TAG}Content-Disposition: attachment; filename=given\r\n");
    let (_, first) = half(&named);
    let range = "Content-Length: 500000\r\nContent-Range: bytes 500000-999999/1000000\r\n";
    let rest = answer(206, &format!("{named}{range}"), &whole[500_000..]);
    let (root, _) = script(vec![first, rest.into()]).await;
    let folder = tempfile::tempdir().unwrap();
    let options = Options { retries: 1, ..concurrency(1) };
    let file = to(folder.path(), &root, "file");
    let saved = saved(download(&client(), &file, options, server::no_report).await.unwrap());
    assert_eq!((saved.path, saved.resumed_from), (folder.path().join("given"), 500_000));
    assert_eq!(names_in(folder.path()), ["given"]);
}

#[tokio::test]
async fn a_part_is_removed_if_its_file_exists_under_the_name_given_by_the_server() {
    let named = "Content-Disposition: attachment; filename=given\r\n";
    let headers = format!("{TAG}{named}Content-Length: 4\r\nContent-Range: bytes 5-8/9\r\n");
    let (root, _) = script(vec![answer(206, &headers, b"rest").into()]).await;
    let folder = tempfile::tempdir().unwrap();
    let (file, given) = (to(folder.path(), &root, "file"), folder.path().join("given"));
    leave_part(&file, b"begun", ORIGIN);
    fs::write(&given, "all of it").unwrap();
    assert_eq!(get(&file).await.unwrap(), Outcome::Kept(given));
    assert_eq!(names_in(folder.path()), ["given"]);
}

#[tokio::test]
async fn if_the_rest_is_too_short_the_next_attempt_resumes_again() {
    let (whole, first) = half(TAG);
    let rest = |from: usize, to: usize| {
        let range = format!("{TAG}Content-Range: bytes {from}-999999/1000000\r\n");
        // Without a length, the body ends when the server hangs up, so nothing seems to be wrong.
        answer(206, &range, &whole[from..to]).into()
    };
    let (root, asked) = script(vec![first, rest(500_000, 700_000), rest(700_000, 1_000_000)]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    assert!(get(&file).await.is_err());
    let options = Options { retries: 1, ..concurrency(1) };
    let saved = saved(download(&client(), &file, options, server::no_report).await.unwrap());
    assert_eq!((saved.resumed_from, asked.times()), (700_000, 3));
    assert!(fs::read(&file.path).unwrap() == whole);
}

#[tokio::test]
async fn a_file_that_appears_during_the_transfer_is_not_replaced() {
    let named = "Content-Disposition: attachment; filename=given\r\n";
    // The user may ask to replace files, but that does not apply if the server chooses the name.
    for (headers, name, replace, is_replaced) in
        [("", "file", false, false), ("", "file", true, true), (named, "given", true, false)]
    {
        for length in [5, 200_000] {
            let headers = format!("{headers}Content-Length: {length}\r\n");
            let (root, _) = script(vec![answer(200, &headers, &vec![b'n'; length]).into()]).await;
            let folder = tempfile::tempdir().unwrap();
            let theirs = folder.path().join(name);
            let report = |event: Event<'_>| {
                if let Event::Received(..) = event {
                    fs::write(&theirs, "theirs").unwrap();
                }
            };
            let file = to(folder.path(), &root, "file");
            let options = Options { replace, ..concurrency(1) };
            let result = download(&client(), &file, options, report).await;
            if is_replaced {
                assert!(result.is_ok(), "{result:?}");
            } else {
                assert!(matches!(result, Err(DownloadError::Exists { .. })), "{result:?}");
                assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
            }
            assert_eq!(names_in(folder.path()), [name]);
        }
    }
}

#[tokio::test]
async fn bytes_with_the_wrong_sha256_are_not_left_for_the_next_run() {
    let (whole, _) = half("");
    let all = answer(200, &format!("{TAG}Content-Length: 1000000\r\n"), &whole);
    let (root, _) = script(vec![all.into()]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = Download { sha256: Some([7; 32]), ..to(folder.path(), &root, "file") };
    let error = get(&file).await.unwrap_err();
    assert!(matches!(error, DownloadError::Checksum { .. }), "{error:?}");
    assert_eq!(names_in(folder.path()), [""; 0]);
}

/// Watches a folder. The returned closure returns the steps that the kernel has reported so far, in
/// order.
#[cfg(target_os = "linux")]
fn steps_in(folder: &Path) -> impl Fn() -> Vec<&'static str> {
    use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
    let named = AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CREATE;
    let inotify = Inotify::init(InitFlags::IN_NONBLOCK).unwrap();
    inotify.add_watch(folder, named | AddWatchFlags::IN_OPEN).unwrap();
    move || {
        let events = inotify.read_events().unwrap_or_default().into_iter();
        events
            .filter_map(|event| match event.name {
                Some(name) if name == "file" && event.mask.intersects(named) => {
                    Some("file is named")
                }
                None if event.mask.contains(AddWatchFlags::IN_OPEN) => Some("folder is opened"),
                _ => None,
            })
            .collect()
    }
}

/// The program opens the folder only in order to sync it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_folder_is_synced_after_the_file_is_renamed() {
    let short = answer(200, "Content-Length: 5\r\n", b"short");
    for (root, sync, steps) in [
        (
            script(vec![short.clone().into()]).await.0,
            true,
            &["file is named", "folder is opened"][..],
        ),
        (script(vec![short.into()]).await.0, false, &["file is named"]),
        (server::files().await.0, true, &["file is named", "folder is opened"]),
        (server::files().await.0, false, &["file is named"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = to(folder.path(), &root, "file");
        let steps_so_far = steps_in(folder.path());
        let options = Options { sync, ..concurrency(1) };
        download(&client(), &file, options, server::no_report).await.unwrap();
        assert_eq!(steps_so_far(), steps);
    }
}

#[tokio::test]
async fn a_redirect_that_leads_to_another_file_starts_over() {
    // Both files have the same tag and length, as with a server that makes its tags from the date and
    // the length of a file.
    let (old, first) = half(TAG);
    let new: Vec<u8> = vec![b'n'; 1_000_000];
    let rest =
        format!("{TAG}Content-Range: bytes 500000-999999/1000000\r\nContent-Length: 500000\r\n");
    let whole = answer(200, &format!("{TAG}Content-Length: 1000000\r\n"), &new);
    for (path, asked_for, resumed_from) in
        [("/v2.img", "a new file", 0), ("/v1.img?signature=2", "the same file", 500_000)]
    {
        let redirect =
            |to: &str| answer(302, &format!("Location: {to}\r\nContent-Length: 0\r\n"), b"");
        let end = if resumed_from > 0 { &old[500_000..] } else { &new[500_000..] };
        let replies = vec![
            redirect("/v1.img?signature=1").into(),
            first.clone(),
            redirect(path).into(),
            answer(206, &rest, end).into(),
            redirect(path).into(),
            whole.clone().into(),
        ];
        let (root, _) = script(replies).await;
        let folder = tempfile::tempdir().unwrap();
        let file = to(folder.path(), &root, "file");
        let options = Options { retries: 1, ..concurrency(1) };
        let saved = saved(download(&client(), &file, options, server::no_report).await.unwrap());
        assert_eq!(saved.resumed_from, resumed_from, "{asked_for}");
        let expected = if resumed_from > 0 { &old } else { &new };
        assert!(fs::read(&file.path).unwrap() == *expected, "{asked_for}");
    }
}

#[tokio::test]
async fn our_own_pauses_are_not_the_servers_silence() {
    let contents = Arc::new(vec![7; 1_000_000]);
    let (root, _) = server::with_ranges(Arc::clone(&contents), Pace::Fast).await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    // A piece takes longer than the server may be silent.
    let min_speed = MinSpeed { bytes_per_second: 1, over: Duration::from_millis(50) };
    let options = Options { limit_rate: NonZeroU64::new(500_000), min_speed, ..concurrency(1) };
    let client = downloads::client_builder().tls_certs_only([]).no_proxy().build().unwrap();
    let saved = saved(download(&client, &file, options, server::no_report).await.unwrap());
    assert_eq!(saved.bytes, 1_000_000);
}

#[tokio::test]
async fn a_body_that_is_longer_than_announced_is_not_collected() {
    let (root, sent) = server::endless("Content-Length: 10\r\n").await;
    let folder = tempfile::tempdir().unwrap();
    let error = get(&to(folder.path(), &root, "file")).await.unwrap_err();
    assert!(matches!(error, DownloadError::Long { expected: 10 }), "{error:?}");
    assert!(!is_transient(&error) && sent.load(SeqCst) < 2000, "{error}");
    assert_eq!(names_in(folder.path()), [""; 0]);
    // The same holds for a long file.
    let (root, sent) = server::endless("Content-Length: 200000\r\n").await;
    let error = get(&to(folder.path(), &root, "file")).await.unwrap_err();
    assert!(matches!(error, DownloadError::Long { expected: 200_000 }), "{error:?}");
    assert!(sent.load(SeqCst) < 2000, "{error}");
    assert_eq!(names_in(folder.path()), [""; 0]);
}

#[tokio::test]
async fn the_server_may_write_the_name_of_the_file_in_another_case() {
    let headers = "Content-Disposition: attachment; filename=README.txt\r\nContent-Length: 5\r\n";
    let (root, _) = script(vec![answer(200, headers, b"short").into()]).await;
    let folder = tempfile::tempdir().unwrap();
    let saved = saved(get(&to(folder.path(), &root, "readme.txt")).await.unwrap());
    assert_eq!(saved.path, folder.path().join("README.txt"));
    assert_eq!(names_in(folder.path()), ["README.txt"]);
}

#[tokio::test]
async fn what_a_kill_has_left_beside_a_file_that_the_server_has_named_is_removed() {
    let named = "Content-Disposition: attachment; filename=given\r\nContent-Length: 5\r\n";
    let (root, _) = script(vec![answer(200, named, b"short").into()]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    fs::write(folder.path().join("given"), "short").unwrap();
    fs::write(sidecar_path(&file.path), ORIGIN.replace("URL", &file.url)).unwrap();
    assert!(matches!(get(&file).await.unwrap(), Outcome::Kept(_)));
    assert_eq!(names_in(folder.path()), ["given"]);
}
