//! What the lesson promises of `download` and `download_all`.

mod server;

use std::cell::{Cell, RefCell};
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;

use downloads::{Download, DownloadError, Event, download, download_all, part_path};
use server::{client, contents, names_in};

fn to(folder: &Path, root: &str, name: &str) -> Download {
    Download { url: format!("{root}/{name}"), path: folder.join(name) }
}

#[tokio::test]
async fn files_arrive_whole_and_in_the_order_asked_for() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let plan = ["c", "a", "b"].map(|name| to(folder.path(), &root, name));
    let results = download_all(&client(), &plan, NonZeroUsize::new(3).unwrap(), |_, _| {}).await;
    for result in results {
        assert_eq!(result.unwrap(), 300_000);
    }
    assert_eq!(names_in(folder.path()), ["a", "b", "c"]);
    for name in ["a", "b", "c"] {
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), contents(name));
    }
}

#[tokio::test]
async fn no_more_than_the_limit_run_at_once() {
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
        Event::Received(..) => {}
    };
    download_all(&client(), &plan, NonZeroUsize::new(3).unwrap(), report).await;
    assert_eq!(most_running.get(), 3);
    assert!(most.load(SeqCst) <= 3);
    assert_eq!(names_in(folder.path()).len(), 20);
}

#[tokio::test]
async fn one_failure_does_not_lose_the_others() {
    let (root, _) = server::files().await;
    let broken = server::breaks_off(false).await;
    let folder = tempfile::tempdir().unwrap();
    let plan = [
        to(folder.path(), &root, "first"),
        to(folder.path(), &broken, "broken"),
        to(folder.path(), &format!("{root}/status"), "404"),
        to(&folder.path().join("missing"), &root, "nowhere"),
        to(folder.path(), &root, "last"),
    ];
    let results = download_all(&client(), &plan, NonZeroUsize::new(2).unwrap(), |_, _| {}).await;
    assert!(matches!(results[1], Err(DownloadError::Transfer { .. })), "{:?}", results[1]);
    assert!(matches!(&results[2], Err(DownloadError::Status { status, .. }) if *status == 404));
    assert!(matches!(results[3], Err(DownloadError::Disk { .. })), "{:?}", results[3]);
    assert_eq!(names_in(folder.path()), ["first", "last"], "and no part file is left");
}

#[tokio::test]
async fn a_transfer_that_breaks_off_leaves_nothing_behind() {
    let root = server::breaks_off(false).await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    fs::write(&file.path, "an older version").unwrap();
    let result = download(&client(), &file, |_, _| {}).await;
    assert!(matches!(result, Err(DownloadError::Transfer { .. })), "{result:?}");
    assert_eq!(names_in(folder.path()), ["file"]);
    assert_eq!(fs::read_to_string(&file.path).unwrap(), "an older version");
}

#[tokio::test]
async fn until_it_is_whole_a_file_is_only_a_part_file() {
    let root = server::breaks_off(true).await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    let part = part_path(&file.path);
    let client = client();
    let in_the_middle = async {
        server::appears(&part).await;
        names_in(folder.path())
    };
    // Dropped in the middle: `select!` drops the loser before it hands out what has won.
    tokio::select! {
        result = download(&client, &file, |_, _| {}) => panic!("it ended: {result:?}"),
        names = in_the_middle => assert_eq!(names, ["file.part"]),
    }
    server::disappears(&part).await;
    assert_eq!(names_in(folder.path()), [""; 0]);
}

#[tokio::test]
async fn a_part_file_of_another_run_is_left_alone() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    fs::write(part_path(&file.path), "somebody is at it").unwrap();
    let error = download(&client(), &file, |_, _| {}).await.unwrap_err();
    assert!(matches!(error, DownloadError::Disk { .. }), "{error:?}");
    assert_eq!(fs::read_to_string(part_path(&file.path)).unwrap(), "somebody is at it");
    assert_eq!(names_in(folder.path()), ["file.part"]);
}

#[tokio::test]
async fn progress_is_told_as_it_comes() {
    let (root, _) = server::files().await;
    let folder = tempfile::tempdir().unwrap();
    let file = to(folder.path(), &root, "file");
    let seen = RefCell::new(Vec::new());
    download(&client(), &file, |so_far, total| seen.borrow_mut().push((so_far, total)))
        .await
        .unwrap();
    let seen = seen.into_inner();
    assert_eq!(seen.last(), Some(&(300_000, Some(300_000))));
    assert!(seen.is_sorted(), "{seen:?}");
}
