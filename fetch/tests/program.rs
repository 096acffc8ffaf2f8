//! The program, started as a user would.
#![allow(clippy::unwrap_used, reason = "a test may")]

mod server;

use std::process::Output;

use assert_cmd::Command;

const FETCH: &str = env!("CARGO_BIN_EXE_fetch");

async fn fetch(arguments: &[&str]) -> Output {
    let mut command = Command::new(FETCH);
    // A proxy in the environment is not for this machine.
    command.args(arguments).env("NO_PROXY", "127.0.0.1");
    command.timeout(std::time::Duration::from_secs(30));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn without_arguments_it_shows_that_requests_overlap() {
    let output = fetch(&[]).await;
    let lines = text(&output.stdout);
    assert!(output.status.success());
    let at = |word: &str| lines.find(word).unwrap_or_else(|| panic!("no {word} in\n{lines}"));
    assert!(at("waited 3 s") < at("waited 1 s") && at("waited 1 s") < at("waited 2 s"));
    assert!(at("503") < at("one after another"));
    // The last line: `3.01 s together; one after another it would have been 6.01 s`.
    let numbers = lines.lines().last().unwrap().split(' ').filter_map(|word| word.parse().ok());
    let [together, apart]: [f64; 2] = numbers.collect::<Vec<_>>().try_into().unwrap();
    assert!(together < apart, "{lines}");
}

#[tokio::test]
async fn with_urls_it_prints_a_line_for_each() {
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
async fn each_failure_is_named_and_the_others_are_printed() {
    let (root, _) = server::start().await;
    let closed = server::closed().await;
    let output = fetch(&["nonsense", &closed, &format!("{root}/delay/0/good")]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("good"));
    let errors = text(&output.stderr);
    let errors: Vec<_> = errors.lines().collect();
    assert_eq!(errors.len(), 2, "one line for each: {errors:?}");
    assert_eq!(errors[0], "fetch: nonsense: not an http or https URL");
    assert!(errors[1].contains(&closed) && errors[1].contains("refused"), "{errors:?}");
}

#[tokio::test]
async fn zero_at_once_is_a_wrong_call() {
    let output = fetch(&["-c", "0", "http://127.0.0.1:1/"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--concurrency"));
}

#[tokio::test]
async fn without_ca_certificates_https_is_one_clear_error_and_http_works() {
    let (root, _) = server::start().await;
    for (url, code) in [(format!("{root}/delay/0/good"), 0), ("https://127.0.0.1:1/".into(), 1)] {
        let mut command = Command::new(FETCH);
        command.arg(url).env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{errors}");
        assert_eq!(errors.lines().count() as i32, code, "{errors}");
        // On Linux these variables take the certificates away; elsewhere the system has its own.
        #[cfg(target_os = "linux")]
        assert!(code == 0 || errors.contains("CA certificates"), "{errors}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_ends_it_with_130() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut child = std::process::Command::new(FETCH)
        .arg(format!("http://{}/", silent.local_addr().unwrap()))
        .spawn()
        .unwrap();
    // Once the request is under way, the program waits for it and for Ctrl-C.
    let connection = silent.accept().await.unwrap();
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    assert_eq!(status.code(), Some(130));
    drop(connection);
}
