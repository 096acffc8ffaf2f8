//! Tests the program by running it as a user would.

use crate::server;
use std::process::Output;

use assert_cmd::Command;

const FETCH: &str = env!("CARGO_BIN_EXE_fetch");

async fn fetch(arguments: &[&str]) -> Output {
    let mut command = Command::new(FETCH);
    // Don't use a proxy for requests to this machine.
    command.args(arguments).env("NO_PROXY", "127.0.0.1");
    command.timeout(std::time::Duration::from_secs(30));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn the_demonstration_shows_that_requests_overlap() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("timeline.svg");
    let output = fetch(&["--timeline-svg", picture.to_str().unwrap()]).await;
    let lines = text(&output.stdout);
    assert!(output.status.success());
    let at = |word: &str| lines.find(word).unwrap_or_else(|| panic!("no {word} in\n{lines}"));
    assert!(at("waited 3 s") < at("waited 1 s") && at("waited 1 s") < at("waited 2 s"));
    assert!(at("503") < at("one after another"));
    // The last line looks like `3.01 s concurrently, or 6.01 s one after another`.
    let numbers = lines.lines().last().unwrap().split(' ').filter_map(|word| word.parse().ok());
    let [together, apart]: [f64; 2] = numbers.collect::<Vec<_>>().try_into().unwrap();
    assert!(together < apart, "{lines}");
    // The timeline shows three seconds in 60 columns. `/delay/2` is in flight for two seconds, and
    // then waits until `/delay/3` has a result.
    let row =
        lines.lines().find(|line| line.starts_with("/delay/2  ") && line.contains('█')).unwrap();
    let count = |sign| row.chars().filter(|c| *c == sign).count();
    assert!((35..=41).contains(&count('█')) && count('·') > 15, "{lines}");
    assert!(std::fs::read_to_string(picture).unwrap().contains(">/delay/2</text>"));
}

#[tokio::test]
async fn with_urls_it_prints_a_line_for_each_url() {
    let (root, _) = server::start().await;
    let output =
        fetch(&[&format!("{root}/delay/20/first"), &format!("{root}/delay/0/second")]).await;
    assert_eq!(output.status.code(), Some(0));
    let lines = text(&output.stdout);
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("200") && lines[0].ends_with("first"), "{lines:?}");
    assert!(lines[1].starts_with("200") && lines[1].ends_with("second"), "{lines:?}");
}

#[tokio::test]
async fn body_prints_the_bodies() {
    let (root, _) = server::start().await;
    let output = fetch(&["--body", &format!("{root}/delay/0/hello")]).await;
    assert_eq!(text(&output.stdout), "hello");
}

#[tokio::test]
async fn each_failure_is_reported_and_the_other_results_are_printed() {
    let (root, _) = server::start().await;
    let closed = server::closed();
    let missing = format!("{root}/status/404");
    let urls = ["nonsense", &closed, &format!("{root}/delay/0/good"), &missing];
    let output = fetch(&[&["--retries", "0"], &urls[..]].concat()).await;
    assert_eq!(output.status.code(), Some(1));
    let lines = text(&output.stdout);
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(lines.len(), 4, "there should be a line for every URL");
    for (line, (status, url)) in lines.iter().zip(["---", "---", "200", "404"].iter().zip(urls)) {
        assert!(line.starts_with(status) && line.ends_with(url), "{line}");
    }
    let errors = text(&output.stderr);
    let errors: Vec<_> = errors.lines().collect();
    assert_eq!(
        errors.len(),
        4,
        "there should be one line for each failure, and the summary: {errors:?}"
    );
    assert_eq!(errors[0], "fetch: nonsense: not an http or https URL");
    assert!(errors[1].starts_with(&format!("fetch: {closed}: cannot connect: ")), "{errors:?}");
    assert_eq!(errors[2], format!("fetch: {missing}: the server answered 404 Not Found"));
    assert!(errors[3].starts_with("fetch: 1 ok, 3 failed, 4 B in "), "{errors:?}");
}

#[tokio::test]
async fn json_prints_one_object_per_line() {
    let (root, _) = server::start().await;
    let urls = [format!("{root}/delay/0/good"), format!("{root}/status/503"), "nonsense".into()];
    let output = fetch(&["--json", "--retries", "1", &urls[0], &urls[1], &urls[2]]).await;
    let lines = text(&output.stdout);
    let rows: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = [
        (serde_json::json!(200), 4, 1, false),
        (serde_json::json!(503), 0, 2, true),
        (serde_json::json!(null), 0, 1, true),
    ];
    for ((row, url), (status, bytes, attempts, failed)) in rows.iter().zip(&urls).zip(expected) {
        assert_eq!(row["url"], *url);
        assert_eq!(row["status"], status);
        assert_eq!(row["bytes"], bytes);
        assert_eq!(row["attempts"], attempts);
        assert_eq!(row["error"].is_string(), failed);
        assert!(row["ms"].is_number());
    }
    assert_eq!(rows.len(), 3);
}

#[tokio::test]
async fn a_dash_reads_urls_from_stdin() {
    let (root, _) = server::start().await;
    let mut command = Command::new(FETCH);
    command.args([&format!("{root}/delay/0/before"), "-", &format!("{root}/delay/0/after")]);
    command.env("NO_PROXY", "127.0.0.1");
    command.write_stdin((0..500).map(|n| format!("{root}/delay/0/{n}\n\n")).collect::<String>());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines = text(&output.stdout);
    let last = |line: &str| line.rsplit('/').next().unwrap().to_owned();
    let seen: Vec<_> = lines.lines().map(last).collect();
    let numbers = (0..500).map(|n| n.to_string());
    let expected: Vec<_> =
        ["before".into()].into_iter().chain(numbers).chain(["after".into()]).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_program_stops_fetching_when_nobody_reads_its_output() {
    use std::process::Stdio;
    use std::sync::atomic::Ordering::SeqCst;
    let (root, counts) = server::start().await;
    // Each body nearly fills the buffer of a pipe.
    let large = "x".repeat(60_000);
    let mut command = std::process::Command::new(FETCH);
    command.args(["--body", "-c", "2", "-"]).env("NO_PROXY", "127.0.0.1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::spawn(move || {
        use std::io::Write;
        // This fails when the program has ended.
        while writeln!(stdin, "{root}/delay/0/{large}").is_ok() {}
    });
    // Wait until no more requests arrive.
    let mut before = 0;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        let asked = counts.asked.load(SeqCst);
        if asked > 0 && asked == before {
            break;
        }
        before = asked;
    }
    child.kill().unwrap();
    tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    // Up to eight results are in the buffer, three on their way to the printer, and two in the
    // pipe. We allow one more.
    assert!(before <= 14, "{before} bodies were fetched although nobody reads them");
}

#[tokio::test]
async fn a_line_that_never_ends_is_reported_in_one_line() {
    let mut command = Command::new(FETCH);
    command.arg("-").write_stdin(vec![b'x'; 1 << 20]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("stdin: a line is longer than 64 KiB"));
}

#[tokio::test]
async fn passwords_are_never_printed() {
    let (root, _) = server::start().await;
    let with = |url: &str| url.replace("http://", "http://me:secret@");
    let (good, closed) = (with(&root) + "/delay/0/good", with(&server::closed()));
    let away =
        server::script(vec![server::answer(302, "Location: http://me:secret@0:1/\r\n", b"")]);
    let away = away.await.0;
    for json in [&["--json"][..], &[]] {
        let urls = [&good, &closed, &away, "http://me:secret@x:y/", "me:secret@x"];
        let output = fetch(&[json, &["--retries", "0"], &urls].concat()).await;
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert!(printed.contains("/delay/0/good"), "{printed}");
        assert!(!printed.contains("secret"), "{printed}");
    }
}

#[tokio::test]
async fn an_invalid_option_is_a_usage_error() {
    for arguments in [
        &["-c", "0"][..],
        &["--timeout", "0s"],
        &["--read-timeout", "soon"],
        &["--max-size", "much"],
        &["--retries", "many"],
        &["--body", "--json"],
        &["--timeout", "9223372036854775807s"],
        &["--per-host", "0"],
        &["--header", "no colon"],
        &["--header", "Accept-Encoding: zstd"],
        &["--cacert", "/nonexistent"],
    ] {
        let output = fetch(&[arguments, &["http://127.0.0.1:1/"]].concat()).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(arguments[0]), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn without_ca_certificates_https_is_reported_in_one_line_and_http_works() {
    let (root, _) = server::start().await;
    for (url, code) in [(format!("{root}/delay/0/good"), 0), ("https://127.0.0.1:1/".into(), 2)] {
        let mut command = Command::new(FETCH);
        command.arg(url).env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        // On Linux, these variables hide the certificates. Other systems don't look for
        // certificates there.
        #[cfg(target_os = "linux")]
        assert_eq!(errors.contains("CA certificates"), code == 2, "{errors}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_the_program() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129), ("-QUIT", 131)] {
        let mut child = std::process::Command::new(FETCH)
            .arg(format!("http://{}/", silent.local_addr().unwrap()))
            .spawn()
            .unwrap();
        // Once the request has arrived, the program waits for the response and for a signal.
        let connection = silent.accept().await.unwrap();
        let pid = child.id().to_string();
        assert!(
            std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success()
        );
        let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
        assert_eq!(status.code(), Some(code));
        drop(connection);
    }
}

#[cfg(unix)]
#[test]
fn a_low_limit_on_open_files_is_reported_in_one_line_and_options_are_printed_safely() {
    let script = "ulimit -n 5; exec \"$0\" http://127.0.0.1:1/";
    let output = std::process::Command::new("sh").args(["-c", script, FETCH]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with("fetch: cannot start: "), "{errors}");

    let output = std::process::Command::new(FETCH).arg("--\x1b[2J").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("\u{fffd}[2J") && !errors.contains('\x1b'), "{errors}");
}

#[tokio::test]
async fn headers_and_certificates_come_from_the_command_line() {
    let root = server::over_tls(server::answer(200, "", b"ok")).await;
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, server::AUTHORITY).unwrap();
    // A bare host stands for https.
    let bare = root.strip_prefix("https://").unwrap();
    for url in [&root, bare] {
        let output = fetch(&["--body", "--cacert", authority.to_str().unwrap(), url]).await;
        assert_eq!(text(&output.stdout), "ok", "{}", text(&output.stderr));
    }
    let output = fetch(&[&root]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("certificate"), "{}", text(&output.stderr));

    let (root, asked) = server::script(vec![server::answer(200, "", b"ok")]).await;
    let output = fetch(&["-H", "X-Key: one", "-H", "X-Other: two", "--per-host", "1", &root]).await;
    assert!(output.status.success());
    let request = &asked.lock().unwrap()[0].1;
    assert_eq!(server::header(request, "x-key"), Some("one"));
    assert_eq!(server::header(request, "x-other"), Some("two"));
}

#[test]
fn a_socks_proxy_is_refused_before_anything_starts() {
    let mut command = Command::new(FETCH);
    command.env("ALL_PROXY", "socks5://127.0.0.1:1080").arg("http://127.0.0.1:1/a");
    let output = command.output().unwrap();
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert_eq!(errors, "fetch: ALL_PROXY: SOCKS proxies are not supported; use an HTTP proxy\n");
}

/// Reads the most memory that a process has had, in KiB.
#[cfg(target_os = "linux")]
fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn bodies_that_are_not_printed_take_no_memory() {
    let (head, open) = server::gate().await;
    let (large, asked) = server::script(vec![server::answer(200, "", &vec![7; 8 << 20])]).await;
    // The first URL holds up the results of all others.
    let urls = [head].into_iter().chain((0..60).map(|n| format!("{large}/{n}")));
    let mut child = tokio::process::Command::new(FETCH)
        .args(urls)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let process = child.id().unwrap();
    let mut peak = 0;
    while asked.lock().unwrap().len() < 60 {
        peak = peak.max(peak_memory(process).unwrap_or(0));
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    peak = peak.max(peak_memory(process).unwrap_or(0));
    drop(open);
    assert!(child.wait().await.unwrap().success());
    assert!((1..48 << 10).contains(&peak), "{peak} KiB for 480 MiB of bodies");
}
