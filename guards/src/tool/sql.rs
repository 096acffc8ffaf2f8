//! Examines SQL before SQLite sees any of it: finds the end of the first statement, decides whether
//! we run that statement, and finds its parameters.
//!
//! SQLite's own checks would come too late. Some statements take effect as soon as SQLite prepares
//! them (`PRAGMA foreign_keys = 0`), and SQLite finds a second statement only after the first one
//! has run.

use std::collections::BTreeMap;

/// A piece of SQL, as SQLite's own tokenizer would split it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    /// White space or a comment.
    Space(&'a str),
    /// A keyword, a name without quotes, or a number.
    Word(&'a str),
    /// `?`, `?7`, `:name`, `@name` or `$name`.
    Parameter(&'a str),
    Semicolon,
    /// A quoted string, a quoted name, or any other single character.
    Other(&'a str),
}

impl<'a> Token<'a> {
    fn text(self) -> &'a str {
        match self {
            Self::Space(text) | Self::Word(text) | Self::Parameter(text) | Self::Other(text) => {
                text
            }
            Self::Semicolon => ";",
        }
    }

    fn is(self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

/// Splits off the first token. The text must not be empty.
fn token(sql: &str) -> Token<'_> {
    let first = sql.chars().next().expect("not empty");
    // Returns the token that ends after the first `end`, or at the end of the text.
    let until = |skip: usize, end: &str| match sql[skip..].find(end) {
        Some(at) => &sql[..skip + at + end.len()],
        None => sql,
    };
    let while_ = |matches: fn(char) -> bool| &sql[..sql.find(|c| !matches(c)).unwrap_or(sql.len())];
    match first {
        // Editors may write a byte order mark at the beginning of a file.
        '\u{feff}' => Token::Space(&sql[..first.len_utf8()]),
        _ if sql.starts_with("--") => Token::Space(until(2, "\n")),
        _ if sql.starts_with("/*") => Token::Space(until(2, "*/")),
        // A vertical tab can continue a stretch of white space, but cannot begin one.
        ' ' | '\t' | '\n' | '\x0c' | '\r' => {
            Token::Space(while_(|c| " \t\n\x0b\x0c\r".contains(c)))
        }
        ';' => Token::Semicolon,
        // A quote inside a quoted string is written twice. We read such a string as two adjacent
        // strings, which makes no difference here.
        '\'' | '"' | '`' => Token::Other(until(1, first.encode_utf8(&mut [0; 4]))),
        '[' => Token::Other(until(1, "]")),
        '?' => {
            let digits = sql[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(sql.len() - 1);
            Token::Parameter(&sql[..1 + digits])
        }
        '$' | '@' | ':' => named(sql),
        _ if is_word(first) => Token::Word(while_(is_word)),
        _ => Token::Other(&sql[..first.len_utf8()]),
    }
}

/// Splits off a named parameter. As in Tcl, the name may contain `::`, and an index in parentheses
/// may follow it.
fn named(sql: &str) -> Token<'_> {
    let mut end = 1;
    loop {
        let rest = &sql[end..];
        match rest.chars().next() {
            Some(c) if is_word(c) => end += c.len_utf8(),
            Some('(') if end > 1 => {
                let stop = rest.find(|c: char| c == ')' || c.is_ascii_whitespace());
                let stop = stop.filter(|stop| rest[*stop..].starts_with(')'));
                end = stop.map_or(end, |stop| end + stop + 1);
                break;
            }
            Some(':') if rest.starts_with("::") => end += 2,
            _ => break,
        }
    }
    match &sql[..end] {
        one if end == 1 => Token::Other(one),
        name => Token::Parameter(name),
    }
}

fn tokens(mut sql: &str) -> impl Iterator<Item = Token<'_>> {
    std::iter::from_fn(move || {
        let token = (!sql.is_empty()).then(|| token(sql))?;
        sql = &sql[token.text().len()..];
        Some(token)
    })
}

/// Returns the only statement in the SQL, without the semicolon that ends the statement.
///
/// # Errors
/// Returns a message if the SQL contains no statement, or more than one.
pub fn one_statement(sql: &str) -> Result<&str, &'static str> {
    if sql.contains('\0') {
        return Err("the SQL contains a NUL character, at which SQLite would stop reading");
    }
    let (mut end, mut at) = (None, 0);
    let mut state = State::Start;
    for token in tokens(sql) {
        if end.is_some() && !matches!(token, Token::Space(_) | Token::Semicolon) {
            return Err("more than one statement: run them one at a time; none of them was run");
        }
        let was = state;
        state = state.after(token);
        if state == State::Start && was != State::Start {
            end = Some(at);
        }
        at += token.text().len();
    }
    match (end, state) {
        (Some(end), _) => Ok(&sql[..end]),
        (None, State::Start) => Err("the statement is empty: there is no SQL to run"),
        (None, _) => Ok(sql),
    }
}

/// The position in a statement, as far as it matters for finding the end. The rules are those of
/// SQLite's `sqlite3_complete`: in a trigger, only the semicolon after `; END` ends the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a statement, or after its end.
    Start,
    Normal,
    /// After `EXPLAIN`, which may explain the creation of a trigger.
    Explain,
    /// After `CREATE`, or `CREATE TEMP`.
    Create,
    Trigger,
    /// In a trigger, after a semicolon.
    Semicolon,
    /// In a trigger, after `; END`.
    End,
}

impl State {
    fn after(self, token: Token<'_>) -> Self {
        let is = |keyword| token.is(keyword);
        match (self, token) {
            (state, Token::Space(_)) => state,
            (Self::Trigger | Self::Semicolon, Token::Semicolon) => Self::Semicolon,
            (_, Token::Semicolon) => Self::Start,
            (Self::Start, _) if is("EXPLAIN") => Self::Explain,
            (Self::Start | Self::Explain, _) if is("CREATE") => Self::Create,
            (Self::Create, _) if is("TEMP") || is("TEMPORARY") => Self::Create,
            (Self::Create, _) if is("TRIGGER") => Self::Trigger,
            (Self::Semicolon, _) if is("END") => Self::End,
            (Self::Trigger | Self::Semicolon | Self::End, _) => Self::Trigger,
            (Self::Explain, _) => Self::Explain,
            _ => Self::Normal,
        }
    }
}

/// The first words of the statements that we run. `EXPLAIN` may precede any of these words.
const ALLOWED: [&str; 12] = [
    "SELECT", "VALUES", "WITH", "INSERT", "REPLACE", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER",
    "REINDEX", "ANALYZE",
];

/// The pragmas that only read if they are used without an argument.
const READING: &str = "\
    analysis_limit application_id auto_vacuum automatic_index busy_timeout cache_size cache_spill \
    cell_size_check checkpoint_fullfsync collation_list compile_options data_version \
    database_list defer_foreign_keys encoding foreign_keys freelist_count fullfsync \
    function_list hard_heap_limit ignore_check_constraints journal_mode journal_size_limit \
    legacy_alter_table locking_mode max_page_count mmap_size module_list page_count page_size \
    pragma_list query_only read_uncommitted recursive_triggers reverse_unordered_selects \
    schema_version secure_delete soft_heap_limit synchronous temp_store threads trusted_schema \
    user_version wal_autocheckpoint writable_schema";

/// The pragmas that only read, with or without an argument.
const READING_ABOUT: &str = "\
    foreign_key_check foreign_key_list index_info index_list index_xinfo integrity_check \
    quick_check table_info table_list table_xinfo";

/// Decides whether we run a statement.
///
/// # Errors
/// Returns a message with the reason if we do not run it.
pub fn allow(statement: &str) -> Result<(), String> {
    let mut tokens =
        tokens(statement).filter(|token| !matches!(token, Token::Space(_) | Token::Semicolon));
    let mut next = || tokens.next().unwrap_or(Token::Semicolon);
    let mut first = next();
    if first.is("EXPLAIN") {
        first = next();
        if first.is("QUERY") {
            next(); // PLAN
            first = next();
        }
    }
    if ALLOWED.iter().any(|keyword| first.is(keyword)) {
        return Ok(());
    }
    if first.is("PRAGMA") {
        // SQLite also accepts a name in quotes. We accept only names without quotes.
        let (mut name, mut then) = (next(), next());
        if then == Token::Other(".") {
            (name, then) = (next(), next());
        }
        let is_in = |names: &str| names.split(' ').any(|reading| name.is(reading));
        if is_in(READING_ABOUT) || is_in(READING) && then == Token::Semicolon {
            return Ok(());
        }
        return Err(format!(
            "guards does not run `PRAGMA {}`: it runs only pragmas that read, because a rollback \
             cannot undo the others",
            name.text()
        ));
    }
    let is_any = |keywords: &[&str]| keywords.iter().any(|keyword| first.is(keyword));
    let name = match first {
        Token::Word(word) => word.to_uppercase(),
        _ => return Err(format!("`{}` does not begin an SQL statement", first.text())),
    };
    Err(match () {
        () if is_any(&["BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"]) => format!(
            "guards does not run {name}: with --write, it runs each statement in a transaction \
             that the statement must not end"
        ),
        () if is_any(&["ATTACH", "DETACH"]) => format!(
            "guards does not run {name}: it works on the one database that you name, because a \
             commit to several databases can keep only some of the changes"
        ),
        () if is_any(&["VACUUM"]) => {
            "guards does not run VACUUM: it cannot be rolled back, and VACUUM INTO writes a \
             file even without --write"
                .into()
        }
        () => {
            format!("`{name}` does not begin a statement that guards runs: {}", ALLOWED.join(", "))
        }
    })
}

/// The parameters of a statement.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// The statement with `?N` in place of each parameter, because sqlx cannot bind names.
    pub statement: String,
    /// The number of each named parameter. The name begins with `:`, `@` or `$`.
    pub names: BTreeMap<String, usize>,
    /// The highest parameter number.
    pub highest: usize,
}

/// Numbers the parameters of a statement by SQLite's rules: `?` and a new name get the next number
/// after the highest one so far, and `?7` is number 7.
pub fn number(statement: &str) -> Parameters {
    let mut result = Parameters::default();
    for token in tokens(statement) {
        let Token::Parameter(parameter) = token else {
            result.statement += token.text();
            continue;
        };
        let next = result.highest + 1;
        let number = match parameter.strip_prefix('?') {
            Some("") => next,
            // SQLite has already refused a statement in which this number is too high.
            Some(number) => number.parse().unwrap_or(0),
            None => *result.names.entry(parameter.into()).or_insert(next),
        };
        result.highest = result.highest.max(number);
        // The space separates the number from a digit that may follow, as in `:a(b)1`.
        result.statement += &format!("?{number} ");
    }
    result
}
