//! The exercise's steps and their checks. The same checks run on your code, on our solution, and on
//! a gallery of correct and wrong solutions.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::Client;
use tokio::time::{sleep, timeout};

use crate::exercise_server::Server;
use crate::runner::{Seen, Step, expect, on_the_real_clock};

/// A page, or a text that says why it could not be fetched.
pub type Page = Result<Vec<u8>, String>;

/// The functions that the exercise asks for.
pub trait Fetch {
    fn fetch_page(client: &Client, url: &str) -> impl Future<Output = Page> + Send;
    fn fetch_first(
        client: &Client,
        urls: &[String],
    ) -> impl Future<Output = Result<Vec<u8>, Vec<String>>> + Send;
    fn fetch_all(
        client: &Client,
        urls: Vec<String>,
        concurrency: usize,
    ) -> BoxStream<'static, Page>;
}

/// Returns the steps for one set of functions.
pub const fn steps<F: Fetch>() -> [Step; 6] {
    [
        Step {
            does: "a page arrives complete, or there is an error",
            task: "In `fetch_page`, request the page, check its status, and return its bytes.",
            check: page::<F>,
            hints: &[
                "`client.get(url).send().await` returns a response as soon as its head is there.",
                "To the client, a 404 is a response like any other. `error_for_status` turns it into \
                 an error.",
                "`bytes().await` fails if the connection breaks before the body is complete.",
                "README, \"A failure is a result\".",
            ],
        },
        Step {
            does: "the first complete page wins",
            task: "In `fetch_first`, request all URLs at once, and return the page that is complete \
                   first.",
            check: first::<F>,
            hints: &[
                "`futures_util::stream::FuturesUnordered` is a stream that yields each result as soon \
                 as it is there.",
                "A response whose head has arrived is not a page yet. Put the whole of `fetch_page` \
                 into the race.",
                "README, \"A stream is an async iterator\".",
            ],
        },
        Step {
            does: "a failure does not win, and all failures are returned",
            task: "Go on after a failure. If nobody wins, return all failures. Without URLs, return an \
                   error, too.",
            check: failures::<F>,
            hints: &[
                "`while let Some(result) = requests.next().await` ends when all results have come.",
                "An empty list has no failures. Make one that says so.",
                "README, \"A failure is a result\".",
            ],
        },
        Step {
            does: "the losers hang up",
            task: "When there is a winner, close the connections of the others.",
            check: losers::<F>,
            hints: &[
                "Dropping the future of a request closes its connection.",
                "If you have spawned tasks: they go on when their handles are dropped. A `JoinSet` or \
                 `AbortOnDropHandle` ends them.",
                "README, \"Dropping a handle does not stop its task\".",
            ],
        },
        Step {
            does: "all results come in the order of the URLs",
            task: "In `fetch_all`, return a stream with one result for each URL, failures included.",
            check: in_order::<F>,
            hints: &[
                "`stream::iter(urls).map(...)` makes a stream of futures. `buffered` polls some of them \
                 together, and yields their results in order.",
                "The futures outlive this function, so they own a clone of the client, which is cheap.",
                "`boxed()` gives the stream a type with a name.",
                "README, \"A permit for each request\".",
            ],
        },
        Step {
            does: "as many requests run as the limit allows, and none too early",
            task: "Let `concurrency` requests run at the same time. Send none before the stream is \
                   polled, and none after it is dropped.",
            check: limited::<F>,
            hints: &[
                "`buffered(n)` polls up to `n` futures. A stream does nothing until it is polled.",
                "A task runs as soon as it is spawned, and goes on when its handle is dropped.",
                "README, \"A permit for each request\".",
            ],
        },
    ]
}

/// A server and a client.
struct Place {
    server: Server,
    client: Client,
}

impl Place {
    async fn new() -> Result<Self, String> {
        let client = fetch::client_builder().no_proxy().tls_certs_only([]).build();
        let client = client.map_err(|error| error.to_string())?;
        Ok(Self { server: Server::start().await?, client })
    }

    fn urls(&self, paths: &[&str]) -> Vec<String> {
        paths.iter().map(|path| format!("{}/{path}", self.server.root)).collect()
    }

    async fn first<F: Fetch>(
        &self,
        paths: &[&str],
    ) -> Result<(Result<String, Vec<String>>, Duration), String> {
        let (urls, start) = (self.urls(paths), Instant::now());
        let result = timeout(Duration::from_secs(5), F::fetch_first(&self.client, &urls)).await;
        let result = result.map_err(|_| "After 5 s, `fetch_first` was still waiting.")?;
        Ok((result.map(|bytes| text(&bytes)), start.elapsed()))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn page<F: Fetch>() -> Seen {
    on_the_real_clock(async {
        let place = Place::new().await?;
        let long = "x".repeat(3000);
        for body in ["hello", "", &long] {
            let url = format!("{}/body/10/{body}", place.server.root);
            let page = F::fetch_page(&place.client, &url).await;
            expect(page.as_ref().is_ok_and(|bytes| text(bytes) == body), || {
                let seen = page.map(|bytes| bytes.len());
                format!("For a page of {} bytes, the result is {seen:?}.", body.len())
            })?;
        }
        for (path, what) in [
            ("status/404/gone", "a 404"),
            ("status/500/oops", "a 500"),
            ("breaks/0/0123456789", "a connection that breaks"),
        ] {
            let url = format!("{}/{path}", place.server.root);
            let page = F::fetch_page(&place.client, &url).await;
            expect(page.is_err(), || {
                format!("For {what}, the result is {:?}.", page.map(|bytes| text(&bytes)))
            })?;
        }
        let page = F::fetch_page(&place.client, "no url").await;
        expect(page.is_err(), || "For `no url`, there is a page.".into())
    })
}

fn first<F: Fetch>() -> Seen {
    on_the_real_clock(async {
        let place = Place::new().await?;
        // The second one answers at once, and sends its body late.
        let paths = ["page/1500/slow", "body/1500/late", "page/50/fast"];
        let (result, took) = place.first::<F>(&paths).await?;
        expect(result == Ok("fast".into()), || {
            format!(
                "One page takes 1.5 s, one sends its head at once and its body after 1.5 s, and one \
                 takes 0.05 s. The result is {result:?}: expected the last one."
            )
        })?;
        expect(took < Duration::from_millis(1200), || {
            format!(
                "The fastest page was complete after 0.05 s, and `fetch_first` took {took:.2?}."
            )
        })
    })
}

fn failures<F: Fetch>() -> Seen {
    on_the_real_clock(async {
        let place = Place::new().await?;
        let paths = ["status/500/oops", "page/100/good", "breaks/0/0123456789"];
        let (result, _) = place.first::<F>(&paths).await?;
        expect(result == Ok("good".into()), || {
            format!("A 500, a good page after 0.1 s, and a connection that breaks: {result:?}.")
        })?;
        let (result, _) =
            place.first::<F>(&["status/500/a", "status/404/b", "breaks/0/0123456789"]).await?;
        let count = result.as_ref().err().map(Vec::len);
        expect(count == Some(3), || {
            format!("Three URLs fail. The result is {result:?}: expected three failures.")
        })?;
        let (result, _) = place.first::<F>(&[]).await?;
        let has_reason = result.as_ref().is_err_and(|failures| !failures.is_empty());
        expect(has_reason, || {
            format!("Without URLs, the result is {result:?}: expected an error with a reason.")
        })
    })
}

/// Waits until so many clients have hung up, but not longer than a second.
async fn until_hung_up(place: &Place, clients: usize) {
    for _ in 0..100 {
        if place.server.hung_up() >= clients {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

fn losers<F: Fetch>() -> Seen {
    on_the_real_clock(async {
        let place = Place::new().await?;
        let paths = ["page/4000/a", "body/4000/b", "page/100/fast", "page/4000/c"];
        let (result, _) = place.first::<F>(&paths).await?;
        expect(result.is_ok(), || format!("The result is {result:?}."))?;
        until_hung_up(&place, 3).await;
        let hung_up = place.server.hung_up();
        expect(hung_up == 3, || {
            format!(
                "Three of four requests lost. One second later, {hung_up} of them had hung up, and the \
                 server still works for the others."
            )
        })
    })
}

async fn all<F: Fetch>(place: &Place, paths: &[&str], limit: usize) -> Result<Vec<Page>, String> {
    let results = F::fetch_all(&place.client, place.urls(paths), limit).collect();
    let results: Result<Vec<_>, _> = timeout(Duration::from_secs(5), results).await;
    results.map_err(|_| "After 5 s, `fetch_all` was still waiting.".into())
}

fn in_order<F: Fetch>() -> Seen {
    on_the_real_clock(async {
        let place = Place::new().await?;
        let paths = ["page/200/a", "page/0/b", "status/500/oops", "page/100/c", "page/0/d"];
        let results = all::<F>(&place, &paths, 5).await?;
        let seen: Vec<_> = results
            .iter()
            .map(|page| page.as_ref().map_or("-".into(), |bytes| text(bytes)))
            .collect();
        expect(seen == ["a", "b", "-", "c", "d"], || {
            format!(
                "Pages a and b, a 500, and pages c and d. The results (`-` is an error): {seen:?}."
            )
        })?;
        let none = all::<F>(&place, &[], 5).await?;
        expect(none.is_empty(), || format!("Without URLs, the results are {none:?}."))
    })
}

fn limited<F: Fetch>() -> Seen {
    on_the_real_clock(async {
        for limit in [3, 1, 6] {
            let place = Place::new().await?;
            all::<F>(&place, &["page/20/x"; 18], limit).await?;
            let most = place.server.most();
            expect(most <= limit, || {
                format!("{limit} at a time: the server saw {most} concurrently.")
            })?;
            expect(most == limit, || {
                format!("{limit} at a time are allowed, but the server never saw more than {most}.")
            })?;
        }
        let place = Place::new().await?;
        let mut stream = F::fetch_all(&place.client, place.urls(&["page/4000/x"; 10]), 2);
        sleep(Duration::from_millis(100)).await;
        let asked = place.server.asked();
        expect(asked == 0, || {
            format!("Nobody has polled the stream, and the server has received {asked} requests.")
        })?;
        let early = timeout(Duration::from_millis(200), stream.next()).await;
        expect(early.is_err(), || "The pages take 4 s, but there is a result.".into())?;
        drop(stream);
        until_hung_up(&place, 2).await;
        let (asked, hung_up) = (place.server.asked(), place.server.hung_up());
        expect((asked, hung_up) == (2, 2), || {
            format!(
                "The stream was dropped with two requests in flight. The server has received {asked} \
                 requests, and {hung_up} clients have hung up: expected 2 and 2."
            )
        })
    })
}
