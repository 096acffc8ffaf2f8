//! Compares the rules that `guards` applies to SQL with SQLite itself.

#[path = "../../src/tool/sql.rs"]
#[allow(missing_docs, reason = "this is a module of the program")]
mod sql;
#[path = "../../src/tool/values.rs"]
#[allow(missing_docs, reason = "this is a module of the program")]
mod values;

use proptest::prelude::*;
use proptest::sample::select;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Connection, Either, Executor, Row, SqlSafeStr, Statement};
use tokio::runtime::Runtime;

use sql::{Parameters, allow, number, one_statement};
use values::{Given, Kind, Value, assign};

/// An empty database in memory, and a runtime on which to query it.
struct Sqlite(Runtime, SqliteConnection);

impl Sqlite {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut db = runtime.block_on(SqliteConnection::connect("sqlite::memory:")).unwrap();
        runtime.block_on(db.execute("CREATE TABLE t (a, b)")).unwrap();
        Self(runtime, db)
    }

    /// Runs all statements in the text. Returns how many statements ended, and whether there was an
    /// error.
    fn run(&mut self, text: &str) -> (usize, bool) {
        use futures_util::StreamExt;
        let sql = sqlx::raw_sql(AssertSqlSafe(text));
        let results = self.0.block_on(self.1.fetch_many(sql).collect::<Vec<_>>());
        let done = results.iter().filter(|result| matches!(result, Ok(Either::Left(_)))).count();
        (done, results.iter().any(Result::is_err))
    }

    /// Runs all statements in the text, and returns the number of statements.
    fn count(&mut self, text: &str) -> sqlx::Result<usize> {
        use futures_util::StreamExt;
        let sql = sqlx::raw_sql(AssertSqlSafe(text));
        let results = self.0.block_on(self.1.fetch_many(sql).collect::<Vec<_>>());
        results.into_iter().try_fold(0, |n, result| Ok(n + usize::from(result?.is_left())))
    }

    fn row(&mut self, text: &str) -> sqlx::Result<SqliteRow> {
        self.0.block_on(self.1.fetch_one(sqlx::raw_sql(AssertSqlSafe(text))))
    }

    /// Returns the highest parameter number.
    fn parameters(&mut self, text: &str) -> sqlx::Result<usize> {
        let text = AssertSqlSafe(text).into_sql_str();
        let statement = self.0.block_on(self.1.prepare(text))?;
        Ok(statement.parameters().and_then(Either::right).unwrap())
    }
}

/// Valid statements whose end is not obvious.
const STATEMENTS: [&str; 11] = [
    "SELECT 1",
    "SELECT ';', \"a;\", `b;`, [a;] FROM (SELECT 1 AS \"a;\", 2 AS `b;`, 3 AS [a;])",
    "SELECT 'it''s; fine', x'3b'",
    "SELECT 1 /* ; */ + -- ;\n 2",
    "EXPLAIN SELECT 1",
    "CREATE TEMP TRIGGER IF NOT EXISTS x AFTER INSERT ON t BEGIN SELECT CASE WHEN 1 THEN 2 END; \
     DELETE FROM t WHERE a = 'END;'; END",
    "CREATE /* ; */ TRIGGER IF NOT EXISTS y AFTER DELETE ON t BEGIN SELECT 1; END",
    "EXPLAIN QUERY PLAN CREATE TRIGGER z AFTER DELETE ON t BEGIN SELECT 1; SELECT 2; END",
    "CREATE TABLE IF NOT EXISTS create_trigger (\"trigger\", [end])",
    "INSERT INTO t VALUES ('CREATE TRIGGER', \"end\") ON CONFLICT DO NOTHING",
    "WITH n(i) AS (VALUES (1), (2)) SELECT i FROM n",
];

const GAPS: [&str; 8] = ["", " ", "\n", ";", " ; ", "--;\n", "/*;*/", "/**/"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_end_of_a_statement_is_where_sqlite_finds_it(
        before in select(&GAPS[..]),
        pieces in prop::collection::vec((select(&STATEMENTS[..]), select(&GAPS[..])), 0..3),
    ) {
        // SQLite may read `"end"` as the name of a column, and then fail because there is no such
        // column. So we replace it with `1`.
        let ends = pieces.iter().map(|(piece, gap)| format!("{};{gap}", piece.replace("\"end\"", "1")));
        let text = format!("{before}{}", ends.collect::<String>());
        let (count, ours) = (Sqlite::new().count(&text), one_statement(&text));
        match count.unwrap() {
            1 => {
                let statement = ours.unwrap();
                prop_assert_eq!(Sqlite::new().count(statement).unwrap(), 1);
            }
            count => prop_assert!(ours.is_err(), "{count} statements, but {ours:?} in {text}"),
        }
    }

    /// No matter what the text is, the part that we would pass to SQLite never contains a second
    /// statement.
    #[test]
    fn the_text_passed_to_sqlite_never_contains_more_than_one_statement(
        pieces in prop::collection::vec(select(&[
            " ", " ", " ", "\n", "\t", "\x0b", " \x0b", "\x0c", "\u{a0}", "\u{feff}", "/*", "*/", "--",
            "'", "\"", "`", "[", "]", ";", ";", "CREATE", "TEMP", "TRIGGER", "x", "AFTER", "INSERT", "ON",
            "t", "BEGIN", "SELECT", "1", "END", "CASE", "WHEN", "THEN", "EXPLAIN", ":a(", "?", "$a", "#",
            "x'", "(", ")", " CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1;", " SELECT 1;",
            " END;", " DELETE FROM t;",
        ][..]), 0..14),
    ) {
        let text = pieces.concat();
        if let Ok(statement) = one_statement(&text) {
            let (done, error) = Sqlite::new().run(statement);
            prop_assert!(done == 0 || done == 1 && !error, "{text:?}: {done} of {statement:?}");
        }
    }

    #[test]
    fn numbers_are_read_as_sqlite_reads_them(
        sign in select(&["", "+", "-"][..]),
text in "0[xX][0-9a-f_]{0,18}|[0-9_]{0,20}[.]?[0-9_]{0,3}([eE][+-]?[0-9_]{0,4})?[a-z]?",
    ) {
        let text = format!("{sign}{text}");
        let unsigned = text.trim_start_matches(['+', '-']);
        let expected = Sqlite::new().row(&format!("SELECT typeof({text}), {text}"));
        let begins_like_a_number = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        match (values::number(&text), expected) {
            (Some(Value::Integer(number)), Ok(row)) => {
                prop_assert_eq!((row.get(0), row.get(1)), ("integer".to_owned(), number), "{}", text);
            }
            (Some(Value::Real(number)), Ok(row)) => {
                prop_assert_eq!(row.get::<String, _>(0), "real", "{}", text);
                let expected: f64 = row.get(1);
                // SQLite may round the last digit differently.
                let is_near = expected == number || (expected - number).abs() < number.abs() * 1e-15;
                prop_assert!(is_near, "{text}: {number} and {expected}");
            }
            (None, Ok(_)) => {
                let digits = unsigned.replace('_', "");
                let zeros = digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
                prop_assert!(zeros || !begins_like_a_number, "{text}");
            }
            (None, Err(_)) => {}
            (number, expected) => prop_assert!(false, "{text}: {number:?} and {expected:?}"),
        }
    }

    #[test]
    fn parameters_have_the_numbers_that_sqlite_gives_them(
        parameters in prop::collection::vec(select(&[
            "?", "?", "?1", "?3", "?7", ":a", ":b", "@a", "$a", "$a::b", ":a(1)", ":é", "':a'",
            "\"?\"", "[:c]", "/* ? */ 1", "1 -- :d\n", "x'00'", "`@a`",
        ][..]), 1..6),
    ) {
        let text = format!("SELECT {}", parameters.join(", "));
        let Ok(expected) = Sqlite::new().parameters(&text) else { return Ok(()) };
        let ours = number(&text);
        prop_assert_eq!(ours.highest, expected, "{}", &text);
        prop_assert_eq!(Sqlite::new().parameters(&ours.statement).unwrap(), expected, "{}", text);
    }
}

#[test]
fn the_text_of_the_only_statement_is_returned() {
    for (text, expected) in [
        ("SELECT 1", "SELECT 1"),
        (" ; -- first\n SELECT 1 ; /* end */ ; ", " ; -- first\n SELECT 1 "),
        ("\u{feff}SELECT 1;", "\u{feff}SELECT 1"),
        ("SELECT ';", "SELECT ';"),
    ] {
        assert_eq!(one_statement(text), Ok(expected));
    }
    for (text, expected) in [
        ("", "empty"),
        (" ; -- nothing but a comment", "empty"),
        ("SELECT 1; SELECT 2", "more than one"),
        ("PRAGMA journal_mode = OFF; DELETE FROM t", "more than one"),
        ("CREATE TRIGGER x DELETE ON t BEGIN SELECT 1; END; DELETE FROM t", "more than one"),
        ("SELECT 1\0; SELECT 2", "NUL"),
        // SQLite treats this vertical tab as white space.
        ("CREATE TRIGGER x DELETE ON t BEGIN SELECT 1; \x0bEND; DELETE FROM t", "more than one"),
    ] {
        let message = one_statement(text).unwrap_err();
        assert!(message.contains(expected), "{text:?}: {message}");
    }
}

#[test]
fn only_statements_that_a_rollback_undoes_are_allowed() {
    for text in [
        "SELECT 1",
        "-- all\nselect 1",
        "/* a */ WITH n AS (SELECT 1) DELETE FROM t",
        "EXPLAIN SELECT 1",
        "explain query plan select 1",
        "PRAGMA user_version",
        "PRAGMA main.user_version",
        "PRAGMA table_info(t)",
        "pragma table_info = t",
        "CREATE TABLE x (a)",
        "REINDEX",
    ] {
        assert_eq!(allow(text), Ok(()), "{text}");
    }
    for (text, reason) in [
        ("PRAGMA foreign_keys = 0", "rollback"),
        ("PRAGMA foreign_keys(0)", "rollback"),
        ("PRAGMA main.synchronous = OFF", "rollback"),
        ("PRAGMA 'user_version' = 7", "rollback"),
        ("EXPLAIN PRAGMA foreign_keys = 0", "rollback"),
        ("EXPLAIN QUERY PLAN PRAGMA foreign_keys = 0", "rollback"),
        ("PRAGMA wal_checkpoint", "rollback"),
        ("PRAGMA", "rollback"),
        ("COMMIT", "transaction"),
        ("/* */ end transaction", "transaction"),
        ("EXPLAIN ROLLBACK", "transaction"),
        ("SAVEPOINT a", "transaction"),
        ("ATTACH 'other.db' AS other", "one database"),
        ("VACUUM INTO 'copy.db'", "without --write"),
        ("SELEC 1", "`SELEC`"),
        (".tables", "`.`"),
    ] {
        let message = allow(text).unwrap_err();
        assert!(message.contains(reason), "{text}: {message}");
    }
}

/// Returns the value of each pragma that we allow without an argument.
fn settings(sqlite: &mut Sqlite, names: &[String]) -> Vec<String> {
    let mut settings = Vec::new();
    for name in names.iter().filter(|name| allow(&format!("PRAGMA {name}")).is_ok()) {
        let pragma = sqlx::raw_sql(AssertSqlSafe(format!("PRAGMA {name}")));
        let rows = sqlite.0.block_on(sqlite.1.fetch_all(pragma)).unwrap();
        let first = |row: &SqliteRow| row.try_get_unchecked::<String, _>(0).unwrap_or_default();
        settings.push(format!("{name} {:?}", rows.iter().map(first).collect::<Vec<_>>()));
    }
    settings
}

#[test]
fn an_allowed_pragma_changes_no_setting_of_sqlite() {
    let mut sqlite = Sqlite::new();
    let list = sqlx::raw_sql("SELECT name FROM pragma_pragma_list ORDER BY name");
    let names = sqlite.0.block_on(sqlite.1.fetch_all(list)).unwrap();
    let names: Vec<String> = names.iter().map(|row| row.get(0)).collect();
    assert!(names.len() > 60, "{names:?}");
    settings(&mut sqlite, &names); // the first time, SQLite opens its temporary database
    let before = settings(&mut sqlite, &names);
    assert!(before.len() > 40, "{before:?}");
    let mut others = Vec::new();
    for name in &names {
        for argument in ["", "=0", "(1)", "='t'", " = OFF"] {
            let text = format!("PRAGMA {name}{argument}");
            match allow(&text) {
                Ok(()) => _ = sqlite.count(&text),
                Err(_) => others.push(text),
            }
        }
        let after = settings(&mut sqlite, &names);
        let changed = after.iter().zip(&before).find(|(after, before)| after != before);
        assert_eq!(changed, None, "PRAGMA {name}");
    }
    // Many of the other pragmas change a setting that `settings` shows. (The heap limits apply to
    // the whole process, so we leave them alone.)
    let mut changed = 0;
    let mut now = before;
    for text in others.iter().filter(|text| text.ends_with("=0") || text.ends_with("(1)")) {
        if !text.contains("heap_limit") {
            let _ = sqlite.count(text);
            let after = settings(&mut sqlite, &names);
            changed += usize::from(after != now);
            now = after;
        }
    }
    assert!(changed > 20, "{changed} refused pragmas change a setting");
}

#[test]
fn names_and_numbers_of_parameters_are_found() {
    let Parameters { statement, names, highest } = number("SELECT :a, ?, ?5, @a, :a, ?");
    assert_eq!(statement, "SELECT ?1 , ?2 , ?5 , ?6 , ?1 , ?7 ");
    assert_eq!(Vec::from_iter(names), [(":a".to_owned(), 1), ("@a".to_owned(), 6)]);
    assert_eq!(highest, 7);
}

fn given(kind: Kind, text: &str) -> Given {
    Given { kind, text: text.into() }
}

#[test]
fn each_parameter_gets_its_value() {
    use Value::{Blob, Integer, Null, Real, Text};
    let (param, text) = (|text| given(Kind::Param, text), |value: &str| Text(value.into()));
    for (sql, values, expected) in [
        ("?, ?", vec![param("1"), param("a")], vec![Integer(1), text("a")]),
        // `?` is number 2 here, since 1 is taken.
        ("?1, ?", vec![param("1"), param("2")], vec![Integer(1), Integer(2)]),
        ("?2, ?1", vec![param("1"), param("2")], vec![Integer(1), Integer(2)]),
        (":a, ?", vec![param("2"), param("a=1")], vec![Integer(1), Integer(2)]),
        (":a, @b", vec![param("@b=x"), param(":a=.5")], vec![Real(0.5), text("x")]),
        // The statement has no parameter named `a`, so the whole value is text.
        ("?", vec![param("a=1")], vec![text("a=1")]),
        (":a", vec![param("a=b=c")], vec![text("b=c")]),
        (":a", vec![given(Kind::Text, "a=7")], vec![text("7")]),
        ("?", vec![given(Kind::Null, "")], vec![Null]),
        (":a", vec![given(Kind::Null, "a")], vec![Null]),
        ("?", vec![given(Kind::Blob, "00fF")], vec![Blob(vec![0, 255])]),
        (":a", vec![given(Kind::Blob, "a=")], vec![Blob(vec![])]),
    ] {
        assert_eq!(assign(&number(sql), &values).unwrap(), expected, "{sql} {values:?}");
    }
    for (sql, values, expected) in [
        ("?, ?", vec![param("1")], "2 values without a name, and 1"),
        ("", vec![param("1")], "0 values"),
        (":a", vec![param("1")], "--param a=VALUE"),
        (":a", vec![], "no value was given for :a"),
        (":a", vec![param("a=1"), param("a=2")], "two values"),
        (":a", vec![given(Kind::Null, "b"), param("a=1")], "no parameter named b"),
        ("?", vec![given(Kind::Null, "b")], "no parameter named b"),
        (":x, @x", vec![param("x=1"), param(":x=1")], "x is ambiguous: write :x=VALUE or @x=VALUE"),
        ("?", vec![given(Kind::Blob, "0")], "hexadecimal"),
        ("?", vec![given(Kind::Blob, "+1")], "hexadecimal"),
    ] {
        let message = assign(&number(sql), &values).unwrap_err();
        assert!(message.contains(expected), "{sql} {values:?}: {message}");
    }
}

#[test]
fn text_is_a_number_if_it_would_be_a_number_in_sql() {
    use Value::{Integer, Real};
    for (text, expected) in [
        ("5", Some(Integer(5))),
        ("+5", Some(Integer(5))),
        ("-9223372036854775808", Some(Integer(i64::MIN))),
        ("9223372036854775808", Some(Real(9223372036854775808.0))),
        ("10.00", Some(Real(10.0))),
        ("2.50", Some(Real(2.5))),
        ("1e5", Some(Real(1e5))),
        (".5", Some(Real(0.5))),
        ("5.", Some(Real(5.0))),
        ("1_000", Some(Integer(1000))),
        ("0x1F", Some(Integer(31))),
        ("-0", Some(Integer(0))),
        ("007", None),
        ("00", None),
        ("-01.5", None),
        ("", None),
        (".", None),
        ("+", None),
        ("--5", None),
        ("1e", None),
        (" 5", None),
        ("5 ", None),
        ("1__0", None),
        ("0x", None),
        ("0x+1", None),
        ("inf", None),
        ("nan", None),
        ("٣", None),
    ] {
        assert_eq!(values::number(text), expected, "{text:?}");
    }
}
