//! Measures what the guards cost. Compares `with_database` and `with_transaction` with the same
//! sqlx calls, written out without a guard.
//!
//! Run with: `cargo bench -p guards --bench cost`

use std::path::Path;
use std::time::{Duration, Instant};

use guards::{finished, with_database, with_transaction};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

/// How many pairs of runs to measure for each kind. The two runs of a pair follow each other
/// directly.
const PAIRS: usize = 5000;

async fn read(db: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(db).await
}

async fn database_by_hand(path: &Path) -> anyhow::Result<i64> {
    let mut db = SqliteConnectOptions::new().filename(path).connect().await?;
    // `with_database` makes this query too, to see whether the file is a database.
    sqlx::query("SELECT count(*) FROM sqlite_schema").fetch_one(&mut db).await?;
    let count = read(&mut db).await?;
    db.close().await?;
    Ok(count)
}

async fn database_guarded(path: &Path) -> anyhow::Result<i64> {
    with_database(path, async |db| anyhow::Ok(read(db).await?)).await
}

async fn transaction_by_hand(db: &mut SqliteConnection) -> anyhow::Result<i64> {
    let mut transaction = db.begin_with("BEGIN IMMEDIATE").await?;
    let count = read(&mut transaction).await?;
    transaction.commit().await?;
    Ok(count)
}

async fn transaction_guarded(db: &mut SqliteConnection) -> anyhow::Result<i64> {
    with_transaction(db, async |db| anyhow::Ok(read(db).await?)).await
}

#[tokio::main]
async fn main() {
    tokio::spawn(measure())
        .await
        .expect("the measurement panicked")
        .expect("the measurement failed");
}

async fn measure() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("users.db");
    std::fs::File::create(&path)?;
    let mut db = SqliteConnectOptions::new().filename(&path).connect().await?;
    sqlx::raw_sql("PRAGMA journal_mode = wal; CREATE TABLE users (id, name)")
        .execute(&mut db)
        .await?;

    println!("\n| median of {PAIRS} | by hand | guarded | guard's cost |\n|---|---|---|---|");
    let (mut by_hand, mut guarded) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        // The two variants take turns going first, so that neither always benefits from a warm
        // cache.
        for turn in 0..2 {
            let start = Instant::now();
            if (pair + turn) % 2 == 0 {
                assert_eq!(database_by_hand(&path).await?, 0);
                by_hand.push(start.elapsed());
            } else {
                assert_eq!(database_guarded(&path).await?, 0);
                guarded.push(start.elapsed());
            }
        }
    }
    report("open, read, close", &by_hand, &guarded);
    let (mut by_hand, mut guarded) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        for turn in 0..2 {
            let start = Instant::now();
            if (pair + turn) % 2 == 0 {
                assert_eq!(transaction_by_hand(&mut db).await?, 0);
                by_hand.push(start.elapsed());
            } else {
                assert_eq!(transaction_guarded(&mut db).await?, 0);
                guarded.push(start.elapsed());
            }
        }
    }
    report("begin, read, commit", &by_hand, &guarded);
    db.close().await?;
    finished().await;
    Ok(())
}

/// Prints the cost of the guard, which is the median difference within a pair. If something slows
/// the machine down for a while, it usually affects both runs of a pair, so it hardly changes the
/// difference.
fn report(what: &str, by_hand: &[Duration], guarded: &[Duration]) {
    let microseconds = |times: &[Duration]| times.iter().map(|t| t.as_secs_f64() * 1e6).collect();
    let (by_hand, guarded): (Vec<f64>, Vec<f64>) = (microseconds(by_hand), microseconds(guarded));
    let costs = guarded.iter().zip(&by_hand).map(|(guarded, by_hand)| guarded - by_hand).collect();
    let [by_hand, guarded, cost] = [by_hand, guarded, costs].map(median);
    println!("| {what} | {by_hand:.1} us | {guarded:.1} us | {cost:+.1} us |");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
