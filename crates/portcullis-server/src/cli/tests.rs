use clap::error::ErrorKind;

use super::*;

fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once(&"portcullis").chain(arguments))
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn wrong_arguments_are_usage_errors() {
    for arguments in [
        &["fly"][..],
        &["serve", "--port", "80"],
        &["serve", "extra"],
        &["account"],
        &["account", "show"],
        &["account", "create"],
        &["account", "create", "--email", "a@b.example", "--password", "x"],
        &["account", "create", "--password-file", "x"],
        &["account", "create", "--username", "x", "--unverified"],
        &["account", "list", "--limit", "0"],
        &["account", "list", "--limit", "1001"],
        &["account", "list", "--after", "x"],
        &["role", "assign", "editor"],
        &["audit", "list", "--trace", "x"],
        &["audit", "list", "--api-key", "x"],
        &["api-key", "create", "robot"],
        &["api-key", "create", "robot", "ci", "--limit", "often"],
        &["api-key", "import", "robot"],
        &["api-key", "import", "robot", "ci", "a-text-of-a-key"],
        &["api-key", "revoke", "robot", "x"],
        &[
            "api-key",
            "rotate",
            "robot",
            "01890000-0000-7000-8000-000000000000",
            "--expires-at",
            "soon",
        ],
        &["service-account", "create"],
        &["key", "check"],
        &["why"],
        &["why", "x"],
        &["account", "access"],
        &["completions", "dos"],
        &["--set", "listen"],
        &["help"],
    ] {
        let error = parse(arguments).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{arguments:?}: {error}");
    }
}

/// A key's name is a thumbprint in base64url: one of 64 begins with a hyphen, and must not read as an option.
#[test]
fn a_key_whose_name_begins_with_a_hyphen_can_be_withdrawn() {
    for kid in [
        "-wSTbnXZ1nVhLtpZzgMS2qvX8oJFS1dLZjGJNoVJmT8",
        "--STbnXZ1nVhLtpZzgMS2qvX8oJFS1dLZjGJNoVJmT8",
        "-hVTbnXZ1nVhLtpZzgMS2qvX8oJFS1dLZjGJNoVJmT8",
    ] {
        for arguments in [
            &["key", "withdraw", kid, "--json"][..],
            &["key", "withdraw", "--json", kid],
        ] {
            let cli = parse(arguments).unwrap();
            assert!(cli.options.json, "{arguments:?}");
            let Some(Command::Key(key::Command::Withdraw { kid: read })) = cli.command else {
                panic!("{arguments:?}");
            };
            assert_eq!(read, kid);
        }
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for (argument, kind) in [
        ("--help", ErrorKind::DisplayHelp),
        ("--version", ErrorKind::DisplayVersion),
    ] {
        let shown = parse(&[argument]).unwrap_err();
        assert_eq!((shown.kind(), shown.exit_code()), (kind, 0));
    }
    let version = parse(&["--version"]).unwrap_err().to_string();
    assert_eq!(version, format!("portcullis {}\n", env!("CARGO_PKG_VERSION")));
    assert!(
        parse(&["--help"])
            .unwrap_err()
            .to_string()
            .contains("Exit codes: 0 done, 1 failed, 2")
    );
}

#[test]
fn every_help_begins_with_what_is_the_commands_own() {
    fn walk(command: &mut clap::Command, seen: &mut u32) {
        let name = command.get_name().to_owned();
        let help = command.render_help().to_string();
        let (own, global) = help
            .split_once("\nGlobal options:\n")
            .unwrap_or_else(|| panic!("{name}: {help}"));
        for argument in command.get_arguments() {
            let Some(long) = argument.get_long().map(|long| format!("--{long}")) else {
                continue;
            };
            let listed = |text: &str| {
                text.lines().any(|line| {
                    line.trim_start()
                        .trim_start_matches("-h, ")
                        .trim_start_matches("-V, ")
                        .split([' ', '\n'])
                        .next()
                        == Some(&long)
                })
            };
            let everywhere = argument.is_global_set();
            assert_eq!(
                (listed(own), listed(global)),
                (!everywhere, everywhere),
                "{name} {long}: {help}"
            );
        }
        *seen += 1;
        command
            .get_subcommands_mut()
            .for_each(|command| walk(command, seen));
    }
    let mut cli = Cli::command();
    cli.build();
    let mut seen = 0;
    walk(&mut cli, &mut seen);
    assert!(seen > 50, "{seen}");
}

#[test]
fn flags_stand_before_or_after_the_command() {
    for arguments in [
        &["--listen", "127.0.0.1:1", "--set", "log.format=json"][..],
        &["serve", "--listen", "127.0.0.1:1", "--set", "log.format=json"],
        &["--listen", "127.0.0.1:1", "serve", "--set", "log.format=json"],
    ] {
        let cli = parse(arguments).unwrap();
        let flags = cli.options.sources().flags;
        let typed: Vec<(&str, &str)> = flags
            .iter()
            .map(|flag| (flag.typed.as_str(), flag.value.as_str()))
            .collect();
        assert_eq!(
            typed,
            [("--set log.format", "json"), ("--listen", "127.0.0.1:1")],
            "{arguments:?}"
        );
    }
    assert!(parse(&[]).unwrap().command.is_none(), "no command is serve");
}

// Shows: OP-4
#[test]
fn no_flag_takes_a_password() {
    for command in std::iter::once(&Cli::command()).chain(Cli::command().get_subcommands()) {
        for argument in command.get_arguments() {
            assert_ne!(argument.get_long(), Some("password"), "{}", command.get_name());
        }
    }
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in [
        Shell::Bash,
        Shell::Zsh,
        Shell::Fish,
        Shell::Elvish,
        Shell::PowerShell,
    ] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "portcullis", &mut script);
        assert!(
            String::from_utf8(script).unwrap().contains("setup-link"),
            "{shell}"
        );
    }
}

#[test]
fn the_operations_page_lists_exactly_the_commands_there_are() {
    let page = include_str!("../../../../docs/operations.md");
    let (_, after) = page.split_once("\n## The command line\n").unwrap();
    let section = after.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: Vec<&str> = rows.map(|row| row.split('`').next().unwrap()).collect();
    let cli = Cli::command();
    let commands: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
    assert_eq!(listed, commands, "docs/operations.md, in the order of --help");
}
