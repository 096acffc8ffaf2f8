//! Tests what the README promises about `fetch` and `fetch_all`.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use crate::server::{self, answer, client, concurrency};
use fetch::{FetchError, Fetched, Options, Phase, fetch, fetch_all};
use futures_util::{StreamExt, stream};
use tokio::time::timeout;

fn bodies(results: Vec<Fetched>) -> Vec<Option<String>> {
    let body = |fetched: Fetched| Some(String::from_utf8(fetched.outcome.ok()?.body).unwrap());
    results.into_iter().map(body).collect()
}

async fn all(urls: impl IntoIterator<Item = String>, options: Options) -> Vec<Fetched> {
    fetch_all(&client(), stream::iter(urls), options).collect().await
}

#[tokio::test]
async fn results_are_returned_in_the_order_of_the_urls() {
    let (root, _) = server::start().await;
    let urls = [("150", "slow"), ("0", "fast"), ("50", "middling")]
        .map(|(ms, text)| format!("{root}/delay/{ms}/{text}"));
    let results = all(urls, concurrency(3)).await;
    assert_eq!(bodies(results), ["slow", "fast", "middling"].map(|s| Some(s.to_owned())));
}

#[tokio::test]
async fn one_failure_does_not_lose_the_other_results() {
    let (root, _) = server::start().await;
    let urls = [
        format!("{root}/delay/50/first"),
        format!("{root}/status/500"),
        server::closed(),
        "no url at all".into(),
        format!("{root}/delay/0/last"),
    ];
    let results = all(urls, concurrency(5)).await;
    assert_eq!(bodies(results), [Some("first".into()), None, None, None, Some("last".into())]);
}

#[tokio::test]
async fn each_kind_of_failure_has_its_own_variant() {
    let silent = server::start_raw(None).await;
    let broken = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this";
    let redirect = |to: &str| vec![answer(302, &format!("Location: {to}\r\n"), b"")];
    let hasty = &Options { timeout: Duration::from_millis(200), ..concurrency(1) };
    let small = &Options { max_size: 4, ..concurrency(1) };
    let usual = &concurrency(1);
    let builder = || fetch::client_builder().tls_certs_only([]).no_proxy();
    let connects = builder().connect_timeout(Duration::from_millis(200)).build().unwrap();
    let reads = &Options { read_timeout: Duration::from_millis(200), ..concurrency(1) };
    let cases = [
        ("no url at all".into(), usual, "InvalidUrl"),
        ("file:///etc/passwd".into(), usual, "InvalidUrl"),
        (server::closed(), usual, "Connect"),
        // This server does not speak TLS: it never answers the handshake, which is part of
        // connecting.
        (silent.replace("http:", "https:"), usual, "TimedOut(Connecting)"),
        (silent.clone(), reads, "TimedOut(Reading)"),
        (silent, hasty, "TimedOut(Whole)"),
        (server::script(vec![answer(404, "", b"gone")]).await.0, usual, "Status { status: 404"),
        (server::script(vec![answer(304, "", b"")]).await.0, usual, "Status { status: 304"),
        (server::script(redirect("/again")).await.0, usual, "TooManyRedirects"),
        (server::script(redirect("ftp://127.0.0.1/")).await.0, usual, "UnsupportedRedirect"),
        (server::script(redirect("file:///etc/passwd")).await.0, usual, "UnsupportedRedirect"),
        (server::script(vec![answer(302, "", b"")]).await.0, usual, "Status { status: 302"),
        (server::script(vec![answer(206, "", b"part")]).await.0, usual, "Status { status: 206"),
        (
            server::script(vec![answer(200, "Content-Encoding: zstd\r\n", b"x")]).await.0,
            usual,
            "Coding(\"zstd\")",
        ),
        (
            server::script(vec![answer(200, "Content-Encoding: gzip\r\n", b"no gzip")]).await.0,
            usual,
            "Damaged",
        ),
        (server::over_tls(answer(200, "", b"")).await, usual, "Certificate"),
        (server::script(vec![answer(200, "", b"12345")]).await.0, small, "TooLarge { limit: 4 }"),
        (server::start_raw(Some(broken)).await, usual, "Broken"),
        (server::start_raw(Some("")).await, usual, "Broken"),
        (server::start_raw(Some("SSH-2.0-x\r\n")).await, usual, "Broken"),
    ];
    for (url, options, kind) in cases {
        let client = match kind {
            "TimedOut(Connecting)" => &connects,
            _ => &client(),
        };
        let error = fetch(client, &url, options).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(kind), "{url}: {error:?} is not {kind}");
    }
    let whole = server::script(vec![answer(200, "", b"1234")]).await.0;
    assert_eq!(fetch(&client(), &whole, small).await.unwrap().body, b"1234");
}

#[tokio::test]
async fn at_most_ten_redirects_are_followed() {
    let to = |n: usize| answer(302, &format!("Location: /{n}\r\n"), b"");
    for (redirects, ok) in [(10, true), (11, false)] {
        let mut answers: Vec<_> = (0..redirects).map(to).collect();
        answers.push(answer(200, "", b"here"));
        let (root, asked) = server::script(answers).await;
        assert_eq!(fetch(&client(), &root, &concurrency(1)).await.is_ok(), ok);
        assert_eq!(asked.lock().unwrap().len(), 11);
    }
}

#[tokio::test]
async fn no_more_requests_than_the_limit_are_in_flight() {
    let (root, counts) = server::start().await;
    let results = all((0..40).map(|n| format!("{root}/delay/10/{n}")), concurrency(4)).await;
    assert!(results.iter().all(|fetched| fetched.outcome.is_ok()));
    assert_eq!(counts.asked.load(SeqCst), 40);
    assert_eq!(counts.most.load(SeqCst), 4);
}

#[tokio::test]
async fn requests_overlap() {
    let (root, counts) = server::start().await;
    let results = all((0..3).map(|n| format!("{root}/delay/200/{n}")), concurrency(3)).await;
    assert_eq!(results.len(), 3);
    assert_eq!(
        counts.most.load(SeqCst),
        3,
        "all three requests should be in flight at the same moment"
    );
}

#[tokio::test]
async fn a_slow_first_url_is_overtaken_until_the_buffer_holds_four_times_the_limit() {
    let (root, counts) = server::start().await;
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let head = format!("{root}/delay/400/head");
    let urls = stream::iter([head].into_iter().chain((1..).map(|n| format!("{root}/delay/0/{n}"))))
        .inspect(move |_| _ = counted.fetch_add(1, SeqCst));
    let client = client();
    let mut results = Box::pin(fetch_all(&client, urls, concurrency(2)));
    // While the first URL is in flight, the others overtake it, as long as the buffer has room for
    // their results.
    assert!(results.next().await.unwrap().url.ends_with("head"));
    assert_eq!(taken.load(SeqCst), 8);
    assert_eq!(counts.asked.load(SeqCst), 8);
    for n in 1..20 {
        assert!(results.next().await.unwrap().url.ends_with(&format!("/{n}")));
    }
}

#[tokio::test]
async fn waiting_for_a_permit_does_not_count_against_the_timeout() {
    let (root, _) = server::start().await;
    let patient = Options { timeout: Duration::from_millis(300), ..concurrency(1) };
    // Forty requests, which take 10 ms each, are sent one at a time, so the last one waits longer
    // than 300 ms for its permit.
    let results = all((0..40).map(|n| format!("{root}/delay/10/{n}")), patient).await;
    assert!(results.iter().all(|fetched| fetched.outcome.is_ok()), "{results:?}");
}

#[tokio::test]
async fn a_slow_consumer_does_not_cause_timeouts() {
    let (root, counts) = server::start().await;
    let hasty = Options { timeout: Duration::from_millis(200), ..concurrency(1) };
    let client = client();
    let urls = ["first", "second"].map(|name| format!("{root}/delay/20/{name}"));
    let mut results = Box::pin(fetch_all(&client, stream::iter(urls), hasty.clone()));
    results.next().await.unwrap().outcome.unwrap();
    // From here on, nobody polls the stream. The second request is still sent, and its response
    // arrives before the timeout.
    counts.until_asked(2).await;
    tokio::time::sleep(hasty.timeout * 3 / 2).await;
    results.next().await.unwrap().outcome.unwrap();
}

#[tokio::test]
async fn transient_failures_are_retried() {
    let (bad, good) = (answer(503, "", b""), answer(200, "", b"good"));
    let (in_the_end, asked) = server::script(vec![bad.clone(), bad.clone(), good.clone()]).await;
    let (never, _) = server::script(vec![bad]).await;
    let (missing, _) = server::script(vec![answer(404, "", b""), good]).await;
    let urls = [in_the_end, never, server::closed(), missing, "nonsense".into()];
    let results = all(urls, Options { retries: 2, ..concurrency(5) }).await;
    let attempts: Vec<_> = results.iter().map(|fetched| fetched.attempts).collect();
    assert_eq!(
        attempts,
        [3, 3, 3, 1, 1],
        "the last two failures are permanent, so they are not retried"
    );
    assert_eq!(asked.lock().unwrap().len(), 3);
    assert!(matches!(results[1].outcome, Err(FetchError::Status { .. })));
    assert!(matches!(results[2].outcome, Err(FetchError::Connect(_))));
    assert_eq!(bodies(results), [Some("good".into()), None, None, None, None]);
}

#[tokio::test]
async fn retry_after_decides_how_long_to_pause() {
    let later = answer(429, "Retry-After: 1\r\n", b"");
    let (root, asked) = server::script(vec![later, answer(200, "", b"good")]).await;
    let results = all([root], Options { retries: 1, ..concurrency(1) }).await;
    assert_eq!((results[0].attempts, results[0].outcome.is_ok()), (2, true));
    let asked = asked.lock().unwrap();
    assert!(asked[1].0 - asked[0].0 >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_url_holds_no_permit_during_the_pause_between_two_attempts() {
    // There is one permit, and the first URL pauses for longer than this test runs.
    let (busy, _) = server::script(vec![answer(429, "Retry-After: 30\r\n", b"")]).await;
    let (quick, counts) = server::start().await;
    let urls = [busy, format!("{quick}/delay/0/quick")];
    let client = client();
    let options = Options { retries: 1, ..concurrency(1) };
    let mut results = Box::pin(fetch_all(&client, stream::iter(urls), options));
    tokio::select! {
        first = results.next() => panic!("the pause is not over yet: {first:?}"),
        () = counts.until_asked(1) => {}
    }
}

#[tokio::test]
async fn compressed_bodies_are_decompressed_before_the_size_limit_applies() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(b"hello").unwrap();
    let gzip = gzip.finish().unwrap();
    // Two members, one after the other, are as valid as one.
    let members = [gzip.clone(), gzip.clone()].concat();
    for (encoding, body, text) in [
        ("gzip", gzip.clone(), "hello"),
        ("GZIP", gzip.clone(), "hello"),
        ("x-gzip", gzip, "hello"),
        ("gzip", members, "hellohello"),
        ("gzip", Vec::new(), ""),
        ("br", b"\x0b\x02\x80hello\x03".to_vec(), "hello"),
        ("identity", b"hello".to_vec(), "hello"),
    ] {
        let header = format!("Content-Encoding: {encoding}\r\n");
        let (root, asked) = server::script(vec![answer(200, &header, &body)]).await;
        let page = fetch(&client(), &root, &concurrency(1)).await.unwrap();
        assert_eq!(page.body, text.as_bytes(), "{encoding}");
        let asked = asked.lock().unwrap();
        assert_eq!(server::header(&asked[0].1, "accept-encoding"), Some("gzip, br"));
    }
    // Compress 20 MiB of zeros into 20 KiB.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    bomb.write_all(&vec![0; 20 << 20]).unwrap();
    let bomb = answer(200, "Content-Encoding: gzip\r\n", &bomb.finish().unwrap());
    assert!(bomb.len() < 100_000);
    let result = fetch(&client(), &server::script(vec![bomb]).await.0, &concurrency(1)).await;
    assert!(matches!(result, Err(FetchError::TooLarge { limit: 10_485_760 })), "{result:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_times_out() {
    let root = server::start_raw(None).await;
    let hasty = Options { timeout: Duration::from_millis(100), ..concurrency(1) };
    let result = fetch(&client(), &root, &hasty).await;
    assert!(matches!(result, Err(FetchError::TimedOut(Phase::Whole))), "{result:?}");
}

#[tokio::test]
async fn a_dropped_stream_closes_its_connections_and_sends_no_more_requests() {
    let (silent, mut seen) = server::silent().await;
    let urls = stream::iter(vec![silent; 20]);
    let client = client();
    let mut results = Box::pin(fetch_all(&client, urls, concurrency(2)));
    tokio::task::yield_now().await;
    assert!(seen.try_recv().is_err(), "nothing may be requested before the first poll");
    let mut next = async || timeout(Duration::from_secs(5), seen.recv()).await.ok().flatten();
    tokio::select! {
        result = results.next() => panic!("the silent server has answered: {result:?}"),
        events = async { [next().await, next().await] } => {
            assert_eq!(events, [Some("asked"), Some("asked")]);
        }
    }
    // Six more tasks are waiting for a permit when the stream is dropped.
    drop(results);
    assert_eq!([next().await, next().await], [Some("closed"), Some("closed")]);
    // Send a request from another client and wait for the response. Any request that was sent
    // before this one has reached its server by then.
    let after = server::start().await.0 + "/delay/20/after";
    fetch(&self::client(), &after, &concurrency(1)).await.unwrap();
    assert!(seen.try_recv().is_err(), "a task that was waiting for a permit has sent its request");
}

#[test]
fn a_timeout_says_what_took_too_long() {
    for (phase, words) in [
        (Phase::Connecting, "timed out while connecting"),
        (Phase::Reading, "timed out while waiting for the next bytes"),
        (Phase::Whole, "timed out before the response was complete"),
    ] {
        assert_eq!(FetchError::TimedOut(phase).to_string(), words);
    }
}

#[tokio::test]
async fn bodies_that_nobody_wants_are_counted_and_not_kept() {
    let (root, _) = server::script(vec![answer(200, "", &[7; 100_000])]).await;
    for (keep_bodies, kept) in [(true, 100_000), (false, 0)] {
        let options = Options { keep_bodies, ..concurrency(1) };
        let page = fetch(&client(), &root, &options).await.unwrap();
        assert_eq!((page.length, page.body.len()), (100_000, kept));
    }
}

#[tokio::test]
async fn bodies_that_wait_for_their_turn_share_a_limited_buffer() {
    let (root, counts) = server::start().await;
    let (head, open) = server::gate().await;
    // Each URL's body is a number with 2048 digits.
    let urls = [head].into_iter().chain((1..20).map(|n| format!("{root}/delay/0/{n:02048}")));
    let client = client();
    let hasty = Duration::from_millis(200);
    let options = Options { buffer: 4 * 2048, timeout: 10 * hasty, ..concurrency(5) };
    let mut results = Box::pin(fetch_all(&client, stream::iter(urls), options));
    tokio::select! {
        first = results.next() => panic!("the first URL must not be ready: {first:?}"),
        () = tokio::time::sleep(3 * hasty) => {}
    }
    // Four bodies fill the buffer. Four more may have been requested before it was full.
    assert!((4..=8).contains(&counts.asked.load(SeqCst)), "{counts:?}");
    drop(open);
    let results: Vec<_> = results.collect().await;
    assert_eq!(results.len(), 20);
    assert!(results.iter().all(|fetched| fetched.outcome.is_ok()), "{results:?}");
}

#[tokio::test]
async fn a_body_that_waits_for_memory_does_not_hold_up_the_next_result() {
    // The first URL pauses before its second attempt. Meanwhile, the second URL takes the only permit,
    // and its body is larger than the buffer.
    let (first, _) = server::script(vec![answer(503, "", b""), answer(200, "", b"first")]).await;
    let (second, _) = server::script(vec![answer(200, "", &[7; 100_000])]).await;
    for per_host in [None, std::num::NonZeroUsize::new(1)] {
        let options = Options { buffer: 1000, retries: 1, per_host, ..concurrency(1) };
        let results = timeout(
            Duration::from_secs(10),
            all([first.clone(), second.clone(), second.clone()], options),
        );
        let lengths: Vec<_> =
            results.await.unwrap().into_iter().map(|f| f.outcome.unwrap().length).collect();
        assert_eq!(lengths, [5, 100_000, 100_000]);
    }
}

#[tokio::test]
async fn no_more_requests_than_the_limit_per_host_are_in_flight() {
    let ((one, of_one), (two, of_two)) = (server::start().await, server::start().await);
    let urls = (0..40).map(|n| format!("{}/delay/10/{n}", if n < 20 { &one } else { &two }));
    let options = Options { per_host: std::num::NonZeroUsize::new(2), ..concurrency(20) };
    let results = all(urls, options).await;
    assert!(results.iter().all(|fetched| fetched.outcome.is_ok()));
    assert_eq!((of_one.most.load(SeqCst), of_two.most.load(SeqCst)), (2, 2));
}

#[tokio::test]
async fn headers_and_passwords_stay_with_their_server() {
    let (other, asked_other) = server::script(vec![answer(200, "", b"ok")]).await;
    let here = answer(302, "Location: here\r\n", b"");
    let there = answer(307, &format!("Location: {other}/there\r\n"), b"");
    let (root, asked) = server::script(vec![here, there]).await;
    let secret = root.replace("http://", "http://me:secret@") + "/signed?key=secret";
    let headers = [("x-key".parse().unwrap(), "secret".parse().unwrap())].into_iter().collect();
    fetch(&client(), &secret, &Options { headers, ..concurrency(1) }).await.unwrap();
    let asked = asked.lock().unwrap();
    for (_, request) in &asked[..2] {
        assert_eq!(server::header(request, "x-key"), Some("secret"));
        assert!(server::header(request, "authorization").is_some());
        assert_eq!(server::header(request, "referer"), None);
    }
    for name in ["x-key", "authorization", "referer"] {
        assert_eq!(server::header(&asked_other.lock().unwrap()[0].1, name), None);
    }
}

#[tokio::test]
async fn requests_that_a_server_has_not_looked_at_are_sent_again() {
    let root = server::ten_per_connection().await;
    let client = fetch::client_builder()
        .tls_certs_only([])
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let urls = stream::iter((0..100).map(|n| format!("{root}/{n}")));
    let results: Vec<_> = fetch_all(&client, urls, concurrency(100)).collect().await;
    let errors: Vec<_> = results.into_iter().filter_map(|f| f.outcome.err()).collect();
    assert!(errors.is_empty(), "{} of 100 failed: {:?}", errors.len(), errors[0]);
}

#[tokio::test]
async fn a_request_without_an_answer_is_sent_again_but_only_once() {
    for (broken, ok) in [(1, true), (2, false)] {
        let mut answers = vec![Vec::new(); broken];
        answers.push(answer(200, "", b"here"));
        let (root, asked) = server::script(answers).await;
        assert_eq!(fetch(&client(), &root, &concurrency(1)).await.is_ok(), ok);
        assert_eq!(asked.lock().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn each_pause_between_two_attempts_is_announced() {
    static PAUSES: AtomicUsize = AtomicUsize::new(0);
    let (root, _) = server::script(vec![answer(503, "", b""), answer(200, "", b"good")]).await;
    let on_retry: fn(&str, &FetchError, Duration) = |url, error, pause| {
        assert!(url.starts_with("http://127.0.0.1"), "{url}");
        assert!(matches!(error, FetchError::Status { .. }) && pause < Duration::from_secs(1));
        PAUSES.fetch_add(1, SeqCst);
    };
    let options = Options { on_retry: Some(on_retry), retries: 1, ..concurrency(1) };
    assert!(all([root], options).await[0].outcome.is_ok());
    assert_eq!(PAUSES.load(SeqCst), 1);
}

#[tokio::test]
async fn a_body_that_pauses_too_long_times_out_and_our_own_pause_does_not_count() {
    let silence = Duration::from_millis(200);
    let options = |buffer| Options { read_timeout: silence, buffer, ..concurrency(2) };
    // The server sends the beginning of a body, compressed or not, and then nothing.
    for coding in ["", "Content-Encoding: gzip\r\n"] {
        let head = format!("HTTP/1.1 200 OK\r\n{coding}Content-Length: 100\r\n\r\n");
        let root = server::then_silent([head.as_bytes(), &[0x1f, 0x8b, 8, 0]].concat()).await;
        let error = fetch(&client(), &root, &options(1000)).await.unwrap_err();
        assert!(matches!(error, FetchError::TimedOut(Phase::Reading)), "{error:?}");
    }
    // The second body waits for memory until the first URL has its result, which takes longer than a
    // server may be silent between two pieces.
    let (first, counts) = server::start().await;
    let (second, _) = server::script(vec![answer(200, "", &[7; 1_000_000])]).await;
    let slow = format!("{first}/delay/150/x");
    let patient = Options { retries: 0, ..options(1000) };
    let urls = [slow.clone(), second.clone(), slow.clone(), second];
    let results = all(urls, Options { concurrency: 4.try_into().unwrap(), ..patient }).await;
    assert!(results.iter().all(|fetched| fetched.outcome.is_ok()), "{results:?} {counts:?}");
}

#[tokio::test]
async fn over_http_2_bodies_that_wait_for_memory_do_not_hold_up_the_next_one() {
    let root = server::large_over_http_2().await;
    let client = fetch::client_builder()
        .tls_certs_only([])
        .no_proxy()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let urls = stream::iter((0..40).map(|n| format!("{root}/{n}")));
    let options =
        Options { buffer: 1 << 20, read_timeout: Duration::from_secs(2), ..concurrency(20) };
    let results = fetch_all(&client, urls, options).collect::<Vec<_>>();
    let results = timeout(Duration::from_secs(15), results).await.unwrap();
    let errors: Vec<_> = results.into_iter().filter_map(|f| f.outcome.err()).collect();
    assert!(errors.is_empty(), "{} of 40 failed: {:?}", errors.len(), errors[0]);
}
