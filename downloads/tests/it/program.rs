//! Starts the program as a user would.

use std::fs;
use std::process::{Output, Stdio};
use std::sync::Arc;

use crate::server::{self, contents, names_in};
use assert_cmd::Command;
use downloads::error::hex;
use sha2::Digest;

const DOWNLOADS: &str = env!("CARGO_BIN_EXE_downloads");

async fn downloads(arguments: &[&str]) -> Output {
    let mut command = Command::new(DOWNLOADS);
    // Don't use a proxy for requests to this machine.
    command.args(arguments).env("NO_PROXY", "127.0.0.1");
    command.timeout(std::time::Duration::from_secs(30));
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn the_demo_downloads_four_files_and_resumes_one_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("timeline.svg");
    let output = downloads(&["--timeline-svg", picture.to_str().unwrap()]).await;
    let (lines, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{errors}");
    for name in ["alpha", "beta", "gamma", "delta"] {
        assert!(lines.contains(&format!("saved {name}.bin (262144 bytes")), "{lines}");
        let row = lines.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        assert!(row.contains('█') && row.ends_with('✓'), "{lines}");
        assert_eq!(row.contains('×'), name == "gamma", "{lines}");
    }
    let gamma = lines.lines().find(|line| line.contains("saved gamma.bin")).unwrap();
    assert!(gamma.ends_with(", resumed from 131072)"), "{lines}");
    // `...; 1.91 s concurrently, 6.31 s one after another`
    let times = errors.lines().last().unwrap().split_once("; ").unwrap().1;
    let numbers = times.split(' ').filter_map(|word| word.parse().ok());
    let [together, in_turn]: [f64; 2] = numbers.collect::<Vec<_>>().try_into().unwrap();
    assert!(together < in_turn, "{errors}");
    assert!(fs::read_to_string(picture).unwrap().contains("gamma"));
}

#[tokio::test]
async fn the_program_saves_each_file_under_the_name_in_its_url() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let output =
        downloads(&["-d", path, &format!("{root}/one.bin"), &format!("{root}/two.bin?x=1")]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(names_in(folder.path()), ["one.bin", "two.bin"]);
    assert_eq!(fs::read(folder.path().join("one.bin")).unwrap(), contents("one.bin"));
}

#[tokio::test]
async fn a_failure_is_reported_with_its_url_and_the_others_are_saved() {
    let (root, _) = server::files().await;
    let broken = server::breaks_off(false).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let (bad, good) = (format!("{broken}/bad"), format!("{root}/good"));
    let output = downloads(&["-d", path, "--retries", "1", &bad, &good]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(names_in(folder.path()), ["good"]);
    let errors = text(&output.stderr);
    assert!(errors.contains(&format!("downloads: {broken}/bad: ")), "{errors}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_failure_is_reported_even_if_nobody_reads_stdout() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(DOWNLOADS)
        .args(["-d", folder.path().to_str().unwrap()])
        .args([format!("{root}/good"), format!("{root}/status/404")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    let output = output.await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("404"), "{}", text(&output.stderr));
}

#[tokio::test]
async fn a_usage_error_is_reported_in_one_line_before_anything_starts() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    fs::write(folder.path().join("left.part"), "made by another program").unwrap();
    fs::write(folder.path().join("list"), format!("{root}/x\n{root}/y sha256:beef\n")).unwrap();
    let (good, left) = (format!("{root}/good"), format!("{root}/left"));
    let (not_a_folder, list) = (format!("{path}/left.part"), format!("{path}/list"));
    let (long, upper) = ("x".repeat(246), format!("{root}/GOOD"));
    for (arguments, words) in [
        (vec!["-d", path, &good, "nonsense"], "nonsense: not an http or https URL"),
        (vec!["-d", path, &good, "ftp://127.0.0.1/x"], "not an http or https URL"),
        (vec!["-d", path, &good, &good], "uses as well"),
        (vec!["-d", path, &good, &upper], "uses as well"),
        (vec!["-d", path, "-o", "x.part", &good], "this name is for partial files"),
        (vec!["-d", path, "-o", ".downloads-abcdef.part", &good], "this name is for partial files"),
        (vec!["-d", path, "-o", &long, &good], "must not have more than 245 bytes"),
        (
            vec!["-d", path, &good, &left],
            "left.part is in the way and was not made by this program",
        ),
        (vec!["-d", "/nonexistent/folder", &good], "/nonexistent/folder: cannot write"),
        (vec!["-d", &not_a_folder, &good], "cannot write to this folder"),
        (vec!["-d", path, "-i", "/nonexistent", &good], "/nonexistent: "),
        (vec!["-d", path, "-i", &list], "sha256:beef: a SHA-256 must have 64 hexadecimal digits"),
        (vec!["-d", path, "-o", "x", &good, &upper], "there are several URLs"),
        (vec!["-d", path, "-o", "x/", &good], "--output x/: not the name of a file"),
        (vec!["-d", path, "-o", "-", &good], "cannot write to stdout"),
        (vec!["-d", path, "--cacert", "/nonexistent", &good], "--cacert /nonexistent: No such"),
        (vec!["-d", path, "--cacert", &list, &good], "there is no certificate in this file"),
    ] {
        let output = downloads(&arguments).await;
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(errors.contains(words), "{errors}");
        assert_eq!(names_in(folder.path()), ["left.part", "list"]);
    }
    for arguments in [
        ["-j", "0"],
        ["--stall-timeout", "0s"],
        ["--stall-timeout", "9223372036854775807s"],
        ["--per-host", "0"],
        ["--limit-rate", "0"],
        ["--min-speed", "fast"],
        ["-H", "no colon"],
        ["-H", "Range: bytes=1-"],
    ] {
        let output = downloads(&[&arguments[..], &[&good]].concat()).await;
        assert_eq!(output.status.code(), Some(2));
    }
}

#[tokio::test]
async fn an_existing_file_is_kept_unless_forced() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("here");
    fs::write(&path, "already").unwrap();
    let (folder, url) = (folder.path().to_str().unwrap(), format!("{root}/here"));
    let output = downloads(&["-d", folder, &url, &format!("{root}/new")]).await;
    assert!(output.status.success());
    let kept = format!(
        "downloads: {url}: kept {}, which already exists; nothing was downloaded",
        path.display()
    );
    assert!(text(&output.stderr).lines().any(|line| line == kept), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("1 saved (300000 bytes), 0 failed, 1 kept"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "already");
    assert!(downloads(&["--force", "-d", folder, &url]).await.status.success());
    assert_eq!(fs::read(path).unwrap(), contents("here"));
}

#[tokio::test]
async fn a_list_can_give_sha256s_and_names_and_json_reports_each_file() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let sum = hex(&sha2::Sha256::digest(contents("a")));
    let wrong = "0".repeat(64);
    let list = format!(
        "# three files\n{root}/a sha256:{sum}\n{root}/b renamed file.bin\n{root}/c sha256:{wrong}\n"
    );
    let mut command = Command::new(DOWNLOADS);
    command.args(["--json", "--no-sync", "-i", "-", "-d"]).arg(folder.path()).write_stdin(list);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let mut rows: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    rows.sort_by_key(|row| row["url"].to_string());
    assert_eq!(rows[0]["sha256"], *sum);
    assert_eq!((&rows[0]["bytes"], &rows[0]["resumed_from"]), (&300_000.into(), &0.into()));
    assert_eq!(rows[1]["sha256"], serde_json::Value::Null, "nobody has asked for the SHA-256");
    assert!(rows[1]["file"].as_str().unwrap().ends_with("renamed file.bin"));
    assert!(rows[2]["error"].as_str().unwrap().contains("wrong sha256: expected 0000"));
    assert_eq!(names_in(folder.path()), ["a", "renamed file.bin"]);
}

#[tokio::test]
async fn all_invalid_lines_are_reported_at_once_or_skipped() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let list = format!("{root}/a\nnonsense\n{root}/b sha256:1\n\n{root}/a\n\u{e9}\u{1b}[2J\n");
    let run = async |skip: &'static [&str]| {
        let mut command = Command::new(DOWNLOADS);
        command.args(["-i", "-", "-d"]).arg(folder.path()).args(skip).write_stdin(list.clone());
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    let errors = [
        "downloads: -: line 2: nonsense: not an http or https URL".to_owned(),
        format!(
            "downloads: -: line 3: {root}/b sha256:1: a SHA-256 must have 64 hexadecimal digits"
        ),
        format!(
            "downloads: -: line 5: {root}/a: would be saved as {}",
            folder.path().join("a").display()
        ),
        "downloads: -: line 6: \u{e9}\u{fffd}[2J: not an http or https URL".into(),
    ];
    let output = run(&[]).await;
    let lines = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{lines}");
    assert_eq!(lines.lines().count(), 4, "{lines}");
    for (line, error) in lines.lines().zip(&errors) {
        assert!(line.starts_with(error), "{line}");
    }
    assert_eq!(names_in(folder.path()), [""; 0], "nothing has started");
    let output = run(&["--skip-bad"]).await;
    let lines = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{lines}");
    assert!(lines.contains("1 saved (300000 bytes), 0 failed"), "{lines}");
    assert_eq!(names_in(folder.path()), ["a"]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_error_of_stdout_is_reported_and_the_file_is_saved() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let child = tokio::process::Command::new(DOWNLOADS)
        .args(["-d", folder.path().to_str().unwrap(), &format!("{root}/file")])
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.wait_with_output().await.unwrap();
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("downloads: cannot write to stdout: No space left"), "{errors}");
    assert_eq!(names_in(folder.path()), ["file"]);
}

#[test]
fn a_name_without_a_url_is_a_usage_error_and_a_long_line_is_cut() {
    let output = Command::new(DOWNLOADS).args(["-o", "x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let output =
        Command::new(DOWNLOADS).args(["-i", "-"]).write_stdin("x".repeat(3_000_000)).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stderr.len() < 1000, "{} bytes", output.stderr.len());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_lack_of_handles_never_blames_our_own_sidecar() {
    let (root, _) = server::with_ranges(Arc::new(vec![7; 3 << 20]), server::Pace::Slow).await;
    let folder = tempfile::tempdir().unwrap();
    let origin =
        format!(r#"{{"url":"{root}/file","validator":{{"ETag":"\"v1\""}},"length":3145728}}"#);
    for most in 8..13 {
        fs::write(folder.path().join("file.part"), "bytes").unwrap();
        fs::write(folder.path().join("file.part.json"), &origin).unwrap();
        let script = format!("ulimit -n {most}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, DOWNLOADS, "--retries", "0", "-d"]).arg(folder.path());
        command.arg(format!("{root}/file")).timeout(std::time::Duration::from_secs(20));
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let errors = text(&output.stderr);
        assert!(!errors.contains("not made by this program"), "{most}: {errors}");
        let _ = fs::remove_file(folder.path().join("file"));
    }
}

#[tokio::test]
async fn a_single_file_can_have_any_name() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    for name in ["sub/other name.bin", ".hidden"] {
        let output = downloads(&["-d", path, "-o", name, &format!("{root}/file")]).await;
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), contents("file"));
    }
    assert_eq!(names_in(folder.path()), [".hidden", "sub"]);
}

#[tokio::test]
async fn headers_certificates_and_limits_come_from_the_command_line() {
    let (root, asked) =
        server::script(vec![server::answer(200, "Content-Length: 2\r\n", b"ok").into()]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let output = downloads(&[
        "-d",
        path,
        "-H",
        "X-Key: secret",
        "--limit-rate",
        "1M",
        "--min-speed",
        "0",
        &format!("{root}/a"),
    ])
    .await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(asked.header(0, "x-key").as_deref(), Some("secret"));

    let root = server::over_tls(server::answer(200, "Content-Length: 2\r\n", b"ok")).await;
    let authority = folder.path().join("ca.pem");
    fs::write(&authority, server::AUTHORITY).unwrap();
    let url = format!("{root}/b");
    let output = downloads(&["-d", path, "--cacert", authority.to_str().unwrap(), &url]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    fs::remove_file(folder.path().join("b")).unwrap();
    let output = downloads(&["-d", path, "--retries", "3", &url]).await;
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("certificate") && !errors.contains("retrying"), "{errors}");
}

#[test]
fn a_socks_proxy_is_refused_before_anything_starts() {
    let mut command = Command::new(DOWNLOADS);
    command.env("all_proxy", "socks5://127.0.0.1:1080").arg("http://127.0.0.1:1/a");
    let output = command.output().unwrap();
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert_eq!(
        errors,
        "downloads: all_proxy: SOCKS proxies are not supported; use an HTTP proxy\n"
    );
}

#[tokio::test]
async fn the_same_list_can_run_twice_at_once() {
    let contents = Arc::new(vec![7; 2 << 20]);
    let (slow, _) = server::with_ranges(Arc::clone(&contents), server::Pace::Slow).await;
    let (root, _) = server::files().await;
    let short = server::answer(200, "Content-Length: 5\r\n", b"short");
    let (small, _) = server::script(vec![short.into()]).await;
    let folder = tempfile::tempdir().unwrap();
    let list = format!("{slow}/slow\n{root}/a\n{small}/b\n{small}/c\n{root}/d\n");
    fs::write(folder.path().join("list"), list).unwrap();
    let run = || {
        let mut command = tokio::process::Command::new(DOWNLOADS);
        command.arg("-i").arg(folder.path().join("list")).arg("-d").arg(folder.path());
        command.kill_on_drop(true).output()
    };
    let (one, two) = tokio::join!(run(), run());
    for output in [one.unwrap(), two.unwrap()] {
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    assert_eq!(names_in(folder.path()), ["a", "b", "c", "d", "list", "slow"]);
    assert!(fs::read(folder.path().join("slow")).unwrap() == *contents);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn too_few_open_files_are_not_mistaken_for_another_download() {
    let (root, _) = server::with_ranges(Arc::new(vec![7; 3 << 20]), server::Pace::Slow).await;
    let folder = tempfile::tempdir().unwrap();
    let origin =
        format!(r#"{{"url":"{root}/file","validator":{{"ETag":"\"v1\""}},"length":3145728}}"#);
    let mut failures = 0;
    for most in 6..18 {
        fs::write(folder.path().join("file.part"), vec![7; 3_000_000]).unwrap();
        fs::write(folder.path().join("file.part.json"), &origin).unwrap();
        let script = format!("ulimit -n {most}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, DOWNLOADS, "--retries", "0", "-d"]).arg(folder.path());
        command.arg(format!("{root}/file")).timeout(std::time::Duration::from_secs(20));
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let errors = text(&output.stderr);
        let words = ["in use", "waiting", "panicked"];
        assert!(!words.iter().any(|word| errors.contains(word)), "{most}: {errors}");
        match output.status.code() {
            Some(0) => {}
            Some(1 | 2) => failures += 1,
            code => panic!("{most}: {code:?} {errors}"),
        }
        let _ = fs::remove_file(folder.path().join("file"));
    }
    assert!(failures > 0, "this test has seen no lack of open files");
}

#[tokio::test]
async fn a_sha256_is_computed_only_if_somebody_asks_for_it() {
    let (root, _) = server::files().await;
    let sum = hex(&sha2::Sha256::digest(contents("a")));
    for (arguments, printed) in [(&["--no-sync"][..], false), (&["--no-sync", "--sha256"], true)] {
        for format in [&[][..], &["--json"]] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().to_str().unwrap();
            let output =
                downloads(&[arguments, format, &["-d", path, &format!("{root}/a")]].concat()).await;
            assert_eq!(text(&output.stdout).contains(&sum), printed, "{}", text(&output.stdout));
        }
    }
}

#[tokio::test]
async fn passwords_are_never_printed() {
    let (root, _) = server::files().await;
    let with = root.replace("http://", "http://me:secret@");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let list = folder.path().join("list");
    fs::write(&list, format!("{with}/x {with}/y\n")).unwrap();
    for (urls, code) in [
        ([format!("{with}/good"), format!("{with}/status/404")], 1),
        ([format!("{with}/x"), "me:secret@host/x".into()], 2),
        ([format!("{with}/x"), format!("{with}/x")], 2),
        (["-i".into(), list.to_str().unwrap().into()], 2),
    ] {
        for format in ["--json", "--no-sync"] {
            let output = downloads(&["-d", path, format, &urls[0], &urls[1]]).await;
            let printed = text(&output.stdout) + &text(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{printed}");
            assert!(!printed.contains("secret"), "{printed}");
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_keeps_a_part_that_can_be_resumed() {
    let start = "ETag: \"one\"\r\nContent-Length: 1000000\r\n";
    let bytes = server::answer(200, start, b"only the beginning");
    let with_tag = {
        let reply = || server::Reply { bytes: bytes.clone(), then: server::Then::StaySilent };
        server::script(vec![reply(), reply(), reply()]).await.0
    };
    let without = server::breaks_off(true).await;
    let kept = &["file.part", "file.part.json"][..];
    for (signal, code, root, left) in [
        ("-INT", 130, &with_tag, kept),
        ("-TERM", 143, &with_tag, kept),
        ("-HUP", 129, &with_tag, kept),
        ("-INT", 130, &without, &[]),
        ("-TERM", 143, &without, &[]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let part = folder.path().join("file.part");
        let mut child = std::process::Command::new(DOWNLOADS)
            .args(["-d", folder.path().to_str().unwrap(), &format!("{root}/file")])
            .spawn()
            .unwrap();
        let has_bytes = || fs::metadata(&part).is_ok_and(|part| part.len() > 0);
        server::wait_until("the part has bytes", has_bytes).await;
        let pid = child.id().to_string();
        assert!(
            std::process::Command::new("kill").args([signal, &pid]).status().unwrap().success()
        );
        let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
        assert_eq!(status.code(), Some(code));
        assert_eq!(names_in(folder.path()), left);
    }
}

#[tokio::test]
async fn after_a_kill_at_any_moment_the_next_run_produces_the_same_file() {
    let kills = if std::env::var_os("STRESS").is_some() { 50 } else { 10 };
    let contents: Vec<u8> = (0..6_000_000_u32).map(|n| (n / 7) as u8).collect();
    let contents = Arc::new(contents);
    let (root, mut sent) = server::with_ranges(Arc::clone(&contents), server::Pace::Slow).await;
    let sum = hex(&sha2::Sha256::digest(&*contents));
    let folder = tempfile::tempdir().unwrap();
    let (file, part) = (folder.path().join("file"), folder.path().join("file.part"));
    fs::write(folder.path().join("list"), format!("{root}/f sha256:{sum} file\n")).unwrap();
    let command = || {
        let mut command = tokio::process::Command::new(DOWNLOADS);
        command.arg("-i").arg(folder.path().join("list")).arg("-d").arg(folder.path());
        command.args(["--json", "--no-sync"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut killed = 0;
    while killed < kills {
        let mut child = command().spawn().unwrap();
        // The file has 184 pieces. We kill the program after the server has sent a random number of
        // pieces, fewer than 100. The last kill comes as soon as there are bytes that can be
        // resumed.
        let moment = async {
            if killed + 1 < kills {
                let then = *sent.borrow() + fastrand::usize(0..100);
                sent.wait_for(|&sent| sent >= then).await.unwrap();
            } else {
                let has_bytes = || fs::metadata(&part).is_ok_and(|part| part.len() > 0);
                server::wait_until("the part has bytes", has_bytes).await;
            }
        };
        tokio::select! {
            () = moment => {}
            _ = child.wait() => {}
        }
        let _ = child.start_kill(); // fails only if the program has ended by itself
        let output = child.wait_with_output().await.unwrap();
        killed += usize::from(!output.status.success());
        // Whether the program was killed or not, a file under the final name must be complete.
        if let Ok(found) = fs::read(&file) {
            assert!(found == *contents);
            fs::remove_file(&file).unwrap();
        }
    }
    let output = command().output().await.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let row: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_ne!(row["resumed_from"], 0);
    assert!(fs::read(&file).unwrap() == *contents);
    assert_eq!(names_in(folder.path()), ["file", "list"]);
}

#[tokio::test]
async fn after_a_kill_among_many_short_files_the_next_run_saves_all_of_them() {
    const TO_SAVE: usize = 60;
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let short = server::answer(200, "Content-Length: 5\r\n", b"short");
    let (small, asked) = server::script(vec![short.into()]).await;
    let list: String = (0..TO_SAVE).map(|n| format!("{small}/{n}\n")).collect();
    fs::write(folder.path().join("list"), list + &format!("{root}/large\n")).unwrap();
    let command = || {
        let mut command = tokio::process::Command::new(DOWNLOADS);
        command.arg("-i").arg(folder.path().join("list")).arg("-d").arg(folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    };
    for _ in 0..8 {
        let mut child = command().spawn().unwrap();
        let then = asked.times() + fastrand::usize(1..10);
        tokio::select! {
            () = server::wait_until("it has requested some files", || asked.times() >= then) => {}
            _ = child.wait() => {}
        }
        let _ = child.start_kill(); // fails only if the program has ended by itself
        child.wait().await.unwrap();
    }
    let output = command().output().await.unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    for n in 0..TO_SAVE {
        assert_eq!(fs::read(folder.path().join(n.to_string())).unwrap(), b"short");
    }
}

/// A mounted file system of one mebibyte, which is unmounted when this value is dropped.
#[cfg(target_os = "linux")]
struct SmallDisk(tempfile::TempDir);

#[cfg(target_os = "linux")]
impl SmallDisk {
    fn mount(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "none"]).arg(folder.path());
        mount.stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Self(folder))
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let mut mount = std::process::Command::new("mount");
        assert!(mount.args(["-o", &options]).arg(self.0.path()).status().unwrap().success());
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0.path()).status();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_has_its_own_exit_status_and_keeps_the_part() {
    let Some(disk) = SmallDisk::mount("size=1m") else {
        return eprintln!("skipped: no right to mount a small file system");
    };
    let contents = Arc::new(vec![7; 3 << 20]);
    let (root, _) = server::with_ranges(Arc::clone(&contents), server::Pace::Slow).await;
    let folder = disk.0.path();
    let output = downloads(&["-d", folder.to_str().unwrap(), &format!("{root}/file")]).await;
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("file.part: No space left"), "{}", text(&output.stderr));
    assert_eq!(names_in(folder), ["file.part", "file.part.json"]);
    // Once the disk has room again, the next run resumes.
    disk.remount("size=8m");
    let output = downloads(&["-d", folder.to_str().unwrap(), &format!("{root}/file")]).await;
    assert!(text(&output.stdout).contains("resumed from"), "{}", text(&output.stderr));
    assert!(fs::read(folder.join("file")).unwrap() == *contents);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_disk_without_room_for_names_has_the_same_exit_status() {
    let Some(disk) = SmallDisk::mount("size=4m,nr_inodes=2") else {
        return eprintln!("skipped: no right to mount a small file system");
    };
    let (root, _) = server::files().await;
    let folder = disk.0.path();
    fs::write(folder.join("last"), "").unwrap();
    let output = downloads(&["-d", folder.to_str().unwrap(), &format!("{root}/file")]).await;
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert_eq!(names_in(folder), ["last"]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_read_only_folder_is_no_failure_if_all_files_exist() {
    let Some(disk) = SmallDisk::mount("size=1m") else {
        return eprintln!("skipped: no right to mount a small file system");
    };
    let (root, _) = server::files().await;
    let folder = disk.0.path();
    fs::write(folder.join("file"), "").unwrap();
    disk.remount("ro");
    let (path, url) = (folder.to_str().unwrap(), format!("{root}/file"));
    let output = downloads(&["-d", path, &url]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    for arguments in [&["--force", "-d", path, &url][..], &["-d", path, &url, &(root + "/new")]] {
        let output = downloads(arguments).await;
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("cannot write to this folder: Read-only"));
    }
}

#[cfg(unix)]
#[test]
fn a_low_limit_on_open_files_is_reported_in_one_line_and_options_are_printed_safely() {
    let script = "ulimit -n 5; exec \"$0\" http://127.0.0.1:1/a";
    let output = std::process::Command::new("sh").args(["-c", script, DOWNLOADS]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with("downloads: cannot start: "), "{errors}");

    let output = std::process::Command::new(DOWNLOADS).arg("--\x1b[2J").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("\u{fffd}[2J") && !errors.contains('\x1b'), "{errors}");
}
