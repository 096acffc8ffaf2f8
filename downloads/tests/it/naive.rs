//! Shows what a naive translation of the exercise leaves behind when the connection breaks.

use crate::naive_download::naive_download;
use crate::server;
use downloads::download;

#[tokio::test]
async fn the_naive_download_leaves_half_a_file_under_its_final_name() {
    let root = server::breaks_off(false).await;
    let folder = tempfile::tempdir().unwrap();
    let client = server::client();

    let naive = folder.path().join("naive");
    assert!(naive_download(&client, &root, &naive).await.is_err());
    // This program has seen the error. But the next program finds a file and assumes that it is
    // complete.
    assert_eq!(std::fs::read_to_string(&naive).unwrap(), "only the beginning");

    let ours = server::to(folder.path(), &root, "ours");
    assert!(download(&client, &ours, server::concurrency(1), server::no_report).await.is_err());
    assert_eq!(server::names_in(folder.path()), ["naive"]);
}
