//! Checks with a real compiler that the programs in the README's table cause the listed errors.

use std::path::Path;
use std::process::Command;
use std::thread;

/// Compiles a program in `tests/errors`, and returns the first line of each compiler error.
fn errors(program: &str, is_fixed: bool) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    rustc.args(["--edition=2024", "--emit=metadata", "--check-cfg=cfg(fixed)", "--color=never"]);
    if is_fixed {
        rustc.arg("--cfg=fixed");
    }
    rustc.arg("-o").arg(folder.path().join("program.rmeta"));
    rustc.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors").join(program));
    let output = rustc.output().expect("rustc is installed, because cargo has just used it");
    let messages = String::from_utf8(output.stderr).unwrap();
    let errors: Vec<_> = messages
        .lines()
        .filter(|line| line.starts_with("error") && !line.starts_with("error: aborting"))
        .map(String::from)
        .collect();
    assert_eq!(output.status.success(), errors.is_empty(), "{program}: {messages}");
    errors
}

#[test]
fn each_program_causes_its_error_and_compiles_when_fixed() {
    let programs = [
        ("e0373.rs", "error[E0373]: async block may outlive the current function"),
        ("e0382.rs", "error[E0382]: use of moved value"),
        ("e0597.rs", "error[E0597]: `name` does not live long enough"),
        ("e0521.rs", "error[E0521]: borrowed data escapes outside of function"),
        ("e0277_send.rs", "error[E0277]: `Rc<String>` cannot be sent between threads safely"),
        ("no_code_send.rs", "error: future cannot be sent between threads safely"),
        ("e0277_unpin.rs", "error[E0277]: `{async fn body of pause()}` cannot be unpinned"),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors");
    assert_eq!(
        folder.read_dir().unwrap().count(),
        programs.len(),
        "each program in the folder needs an entry in the list above"
    );
    thread::scope(|threads| {
        for (program, expected) in programs {
            threads.spawn(move || {
                let errors = errors(program, false);
                assert!(
                    matches!(&errors[..], [error] if error.starts_with(expected)),
                    "{errors:?}"
                );
            });
            threads.spawn(move || assert_eq!(self::errors(program, true), [""; 0], "{program}"));
        }
    });
}
