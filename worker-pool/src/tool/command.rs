//! Runs one command: builds its arguments from a line, starts it, and, if necessary, kills it
//! together with its children.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Output, Stdio};

use tokio::process::{Child, Command};

/// The program and its arguments, with `{}` in place of the line.
#[derive(Debug)]
pub struct Template(Vec<String>);

/// How a command ended.
#[derive(Debug)]
pub enum Ran {
    /// The command ended with this status and this output.
    Ended(Output),
    /// The command could not be started.
    NotStarted(io::Error),
}

impl Template {
    /// Creates a template from at least one word.
    pub fn new(words: Vec<String>) -> Self {
        Self(words)
    }

    /// Returns the first word as the user wrote it.
    pub fn program(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Whether this error means that the command cannot be started for any line.
    pub fn is_hopeless(&self, why: &io::Error) -> bool {
        use io::ErrorKind::{NotFound, PermissionDenied};
        matches!(why.kind(), NotFound | PermissionDenied) && !self.program().contains("{}")
    }

    /// Returns the words for a line. The line replaces every `{}`, or is added at the end if there
    /// is no `{}`.
    fn words(&self, item: &OsStr) -> Vec<OsString> {
        let mut words: Vec<_> = self.0.iter().map(|word| with_item(word, item)).collect();
        if !self.0.iter().any(|word| word.contains("{}")) {
            words.push(item.into());
        }
        words
    }

    /// Returns the job that runs the command for a line. Dropping the job kills the command.
    pub fn run(&self, item: &OsStr) -> impl Future<Output = Ran> + Send + 'static {
        let words = self.words(item);
        async move {
            match run(&words).await {
                Ok(output) => Ran::Ended(output),
                Err(error) => Ran::NotStarted(error),
            }
        }
    }
}

async fn run(words: &[OsString]) -> io::Result<Output> {
    let mut command = Command::new(words.first().map_or(OsStr::new(""), OsString::as_os_str));
    command
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // The command gets its own process group, for two reasons. First, a terminal sends Ctrl-C to
    // the whole foreground group, which is ours, but the command should be able to finish. Second,
    // if we have to kill the command, we can kill its children with it.
    #[cfg(unix)]
    command.process_group(0);
    let child = command.spawn()?;
    let _group = Group::of(&child);
    child.wait_with_output().await
}

/// The process group of a running command. Dropping this kills the group. If the command has
/// already ended, that affects only the processes it has left running in the background.
struct Group(#[cfg_attr(not(unix), allow(dead_code))] Option<u32>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(leader) = self.0.and_then(|id| i32::try_from(id).ok()) {
            use nix::sys::signal::{Signal, killpg};
            // This fails if no process of the group is left.
            let _ = killpg(nix::unistd::Pid::from_raw(leader), Signal::SIGKILL);
        }
    }
}

fn with_item(word: &str, item: &OsStr) -> OsString {
    let mut whole = OsString::new();
    for (place, part) in word.split("{}").enumerate() {
        if place > 0 {
            whole.push(item);
        }
        whole.push(part);
    }
    whole
}

/// Turns a line into an argument. On Unix, the argument has the same bytes as the line. Elsewhere,
/// it must be Unicode, so invalid bytes are replaced.
pub fn text(mut line: Vec<u8>) -> OsString {
    if line.last() == Some(&b'\r') && cfg!(windows) {
        line.pop();
    }
    #[cfg(unix)]
    {
        std::os::unix::ffi::OsStringExt::from_vec(line)
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(&line).into_owned().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_replaces_every_pair_of_braces_or_is_added_at_the_end() {
        for (command, words) in [
            (vec!["echo"], vec!["echo", "x y"]),
            (vec!["echo", "{}"], vec!["echo", "x y"]),
            (vec!["cp", "{}", "{}.bak"], vec!["cp", "x y", "x y.bak"]),
            (vec!["{}{}"], vec!["x yx y"]),
        ] {
            let template = Template::new(command.into_iter().map(String::from).collect());
            assert_eq!(template.words(OsStr::new("x y")), words);
        }
    }

    #[test]
    fn an_error_is_hopeless_only_if_every_line_would_cause_it() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        let too_long = io::Error::from(io::ErrorKind::ArgumentListTooLong);
        let template = |word: &str| Template::new(vec![word.into()]);
        assert!(template("gzip").is_hopeless(&missing));
        assert!(!template("./{}").is_hopeless(&missing));
        assert!(!template("gzip").is_hopeless(&too_long));
    }
}
