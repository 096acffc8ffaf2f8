//! One command: its words made from a line, its run, and its end with all its children.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Output, Stdio};

use tokio::process::{Child, Command};

/// The words of a command, `{}` in the place of the line.
#[derive(Debug)]
pub struct Template(Vec<String>);

/// What came of a command.
#[derive(Debug)]
pub enum Ran {
    /// It ended, with this status and this output.
    Ended(Output),
    /// It could not be started.
    NotStarted(io::Error),
}

impl Template {
    /// Takes at least one word.
    pub fn new(words: Vec<String>) -> Self {
        Self(words)
    }

    /// The first word, as it is written.
    pub fn program(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// Whether no line could make a command that starts, if this one does not for this reason.
    pub fn is_hopeless(&self, why: &io::Error) -> bool {
        use io::ErrorKind::{NotFound, PermissionDenied};
        matches!(why.kind(), NotFound | PermissionDenied) && !self.program().contains("{}")
    }

    /// The words for a line: it takes the place of every `{}`; without one it comes last.
    fn words(&self, item: &OsStr) -> Vec<OsString> {
        let mut words: Vec<_> = self.0.iter().map(|word| with_item(word, item)).collect();
        if !self.0.iter().any(|word| word.contains("{}")) {
            words.push(item.into());
        }
        words
    }

    /// The job that runs the command for a line. Dropped, it kills the command.
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
    // A group of its own, for two reasons. Ctrl-C at the terminal goes to the group in front, which
    // is ours: the command is to end in its own time. And killed, it takes its children with it.
    #[cfg(unix)]
    command.process_group(0);
    let child = command.spawn()?;
    let _group = Group::of(&child);
    child.wait_with_output().await
}

/// The process group of a command that runs. Dropped, it is killed; after the command has ended
/// that concerns only what it has left running behind it.
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
            // An error: nobody of the group is left.
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

/// A line as an argument: byte for byte on Unix; elsewhere arguments are Unicode.
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
    fn the_item_stands_for_every_pair_of_braces_or_at_the_end() {
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
    fn only_what_no_line_can_change_is_hopeless() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        let too_long = io::Error::from(io::ErrorKind::ArgumentListTooLong);
        let template = |word: &str| Template::new(vec![word.into()]);
        assert!(template("gzip").is_hopeless(&missing));
        assert!(!template("./{}").is_hopeless(&missing));
        assert!(!template("gzip").is_hopeless(&too_long));
    }
}
