use super::*;

#[test]
fn the_arguments_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_help_of_every_command_fits_a_screen_and_ends_with_an_example() {
    let names: Vec<_> = Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    assert_eq!(names, ["demo", "run", "proxy", "controller", "check", "probe", "explain"]);
    let ask = |arguments: &[&str]| Cli::try_parse_from(arguments).expect_err("help is no command").to_string();
    let mut helps = vec![ask(&["postern", "-h"]), ask(&["postern", "run", "--help"])];
    helps.extend(names.iter().map(|name| ask(&["postern", name, "-h"])));
    for (place, help) in helps.iter().enumerate() {
        let lines: Vec<_> = help.trim_end().lines().collect();
        let all_of_run = place == 1;
        assert!(lines.len() <= 40 || all_of_run, "{} lines:\n{help}", lines.len());
        let last_words = lines[lines.len().saturating_sub(4)..].join("\n");
        assert!(last_words.contains("Example: postern "), "no example at the end:\n{help}");
    }
}

#[test]
fn a_wrong_argument_is_told_in_one_line() {
    let error = Cli::try_parse_from(["postern", "run", "--nonsense"]).expect_err("there is no such flag");
    let line = one_line(&error.to_string(), Some("run"));
    assert_eq!(line, "unexpected argument '--nonsense' found (see postern run --help)");
    let error = Cli::try_parse_from(["postern", "run"]).expect_err("files are required");
    let line = one_line(&error.to_string(), Some("run"));
    assert_eq!(line, "the following required arguments were not provided: --file <PATH> (see postern run --help)");
    let error = Cli::try_parse_from(["postern", "run", "-f", "x", "--map-port", "80"]).expect_err("it is no mapping");
    let line = one_line(&error.to_string(), Some("run"));
    assert!(line.contains("80:8080") && !line.contains('\n'), "{line}");
}

#[test]
fn the_last_of_a_repeated_option_counts_and_files_add_up() {
    let arguments = ["postern", "run", "-f", "a", "--workers", "1", "-f", "b", "--workers", "2"];
    let Command::Run(run) = Cli::try_parse_from(arguments).expect("they are right").command else {
        panic!("that is no run")
    };
    let text = format!("{run:?}");
    assert!(text.contains(r#"files: ["a", "b"]"#) && text.contains("workers: Some(2)"), "{text}");
}
