//! The service's address and the key: where they come from, and that the key is not disclosed.

use std::fs;

use local::Options;
use serde_json::Value;

use crate::harness::{Ran, World, command};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_without_flags_in_the_folder_of_a_local_stack() {
    let world = World::new().await;
    world.done(&["templates", "list"]).stdout_has(&world.demo.template_id);
    world.done(&["issue", "--email", "ana@ejemplo.com", "--name", "Ana", "--result", "A"]);
    let elsewhere = world.path("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    let data = world.path(".local");
    let data = data.to_str().expect("UTF-8");
    let ran =
        command(&elsewhere, &["templates", "list", "--data", data]).output().expect("it runs");
    Ran::of(ran).code(0).stdout_has(&world.demo.template_id);
    // A named folder comes before the environment.
    let mut named = command(&elsewhere, &["templates", "list", "--data", data]);
    let ran = named.env("UNICREDA_URL", "https://credenciales.invalid").output().expect("it runs");
    Ran::of(ran).code(0).stdout_has(&world.demo.template_id);
    world.stack.shutdown().await;
}

#[tokio::test]
async fn without_a_service_or_a_key_the_failure_names_the_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let run =
        |arguments: &[&str]| Ran::of(command(folder.path(), arguments).output().expect("it runs"));
    let refused = run(&["jobs", "list"]).code(2);
    assert!(
        refused.err.contains("cargo run") && refused.err.contains("UNICREDA_API_KEY"),
        "{refused:?}"
    );
    let refused = run(&["jobs", "list", "--url", "http://localhost:1"]).code(4);
    assert!(
        refused.err.contains("UNICREDA_API_KEY") && refused.err.contains("keys create"),
        "{refused:?}"
    );
    let refused = run(&["jobs", "list", "--json", "--lang", "en"]).code(2);
    let error = &refused.json()["error"];
    assert_eq!(error["exit"], 2);
    assert!(error["next"].as_str().is_some_and(|next| next.contains("--url")), "{error}");
    let refused = run(&["jobs", "list", "--url", "http://credenciales.invalid"]).code(2);
    assert!(refused.err.contains("https://"), "a key does not go unencrypted: {refused:?}");
    for wrong in ["credenciales", "ftp://a.example", "https://u:p@a.example"] {
        run(&["jobs", "list", "--url", wrong]).code(2).stderr_has("--url https://");
    }
    run(&["issue"]).code(2);
    run(&["jobs"]).code(2);
    run(&["--help"]).code(0).stdout_has("Exit codes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flags_come_before_the_environment_before_the_file_before_the_local_stack() {
    let world = World::new().await;
    let url = world.stack.base_url();
    let (issue, read) = (world.key(&["issue"]), world.key(&["read"]));
    // The refusal shows which key was used.
    let who = |ran: &Ran| match (ran.code, ran.err.contains("«admin»")) {
        (0, _) => "admin",
        (4, true) => "another",
        _ => panic!("{ran:?}"),
    };
    let keys = ["keys", "list"];
    assert_eq!(who(&world.run(&keys)), "admin", "the local stack's own");

    world.file("home/.config/unicreda/config.toml", &format!(
        "url = '{url}/api/v1/'\nkey = '{issue}'\n[profiles.jefa]\nkey_file = '~/jefa.key'\n[profiles.lejos]\nurl = 'https://lejos.invalid'\nkey = '{read}'\n"
    ), 0o600);
    world.file("home/jefa.key", &format!("{}\n", world.demo.api_key), 0o600);
    let ran = world.run(&keys);
    assert_eq!(who(&ran), "another", "the file comes before the local stack");
    assert!(ran.err.contains("config.toml"), "the failure names the key's source: {ran:?}");
    assert_eq!(who(&world.run(&["keys", "list", "--profile", "jefa"])), "admin");
    world.run(&["keys", "list", "--profile", "nadie"]).code(2).stderr_has("nadie");

    let environment = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        Ran::of(command.env("UNICREDA_API_KEY", &world.demo.api_key).output().expect("it runs"))
    };
    assert_eq!(who(&environment(&keys)), "admin", "the environment comes before the file");
    let file = world.file("leer.key", &read, 0o600);
    let flag = ["keys", "list", "--key-file", file.to_str().expect("UTF-8")];
    let ran = environment(&flag);
    assert_eq!(who(&ran), "another", "a flag comes before the environment");
    assert!(ran.err.contains("--key-file"), "{ran:?}");
    assert_eq!(who(&world.piped(&["keys", "list", "--key-stdin"], &world.demo.api_key)), "admin");

    // A key in a file is sent only to the URL in the same file.
    world
        .run(&["keys", "list", "--url", "http://localhost:1"])
        .code(4)
        .stderr_has("UNICREDA_API_KEY");

    for name in ["UNICREDA_PROFILE", "--profile"] {
        let mut command = world.command(&["templates", "list"]);
        let ran = match name {
            "--profile" => command.args([name, "jefa"]),
            name => command.env(name, "jefa"),
        };
        Ran::of(ran.output().expect("it runs")).code(0);
    }
    world.stack.shutdown().await;
}

#[tokio::test]
async fn a_file_with_a_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let key = format!("uc_live_demo_abcdefghijkl_{}", "x".repeat(32));
    let write = |name: &str, content: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        path.to_str().expect("UTF-8").to_owned()
    };
    let run =
        |arguments: &[&str]| Ran::of(command(folder.path(), arguments).output().expect("it runs"));
    let url = "url = 'http://localhost:1'\n";
    let open = write("abierto.toml", &format!("{url}key = '{key}'\n"), 0o644);
    run(&["jobs", "list", "--config", &open]).code(4).stderr_has(&format!("chmod 600 {open}"));
    let other = write("otro.toml", &format!("{url}[profiles.a]\nkey = '{key}'\n"), 0o640);
    run(&["jobs", "list", "--config", &other]).code(4).stderr_has("chmod 600");
    let named = write("clave", &key, 0o604);
    let names = write("nombra.toml", &format!("{url}key_file = 'clave'\n"), 0o644);
    run(&["jobs", "list", "--config", &names]).code(4).stderr_has("chmod 600");
    run(&["jobs", "list", "--url", "http://localhost:1", "--key-file", &named])
        .code(4)
        .stderr_has("chmod 600");
    // A private file is read: then no service answers at that port.
    let closed = write("cerrado.toml", &format!("{url}key = '{key}'\n"), 0o600);
    run(&["jobs", "list", "--config", &closed]).code(5);
    let wrong = write("mal.toml", &format!("{url}clave = '{key}'\n"), 0o600);
    let refused = run(&["jobs", "list", "--config", &wrong]).code(2);
    assert!(refused.err.contains("clave") && !refused.err.contains(&key), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_neither_in_the_process_list_nor_on_the_screen() {
    // No consumer runs, so that the job does not end while it is followed.
    let world = World::with(Options { concurrency: 0, ..Options::in_memory() }).await;
    let secret = world.demo.api_key.rsplit('_').next().expect("a secret").to_owned();
    let job = world.job(["ana@ejemplo.com".into(), "luis@ejemplo.com".into()]);
    let key = world.file("a.key", &world.demo.api_key, 0o600);
    let key = key.to_str().expect("UTF-8");
    let mut watch = world.start(&["jobs", "watch", &job, "--json", "--key-file", key]);
    watch.line();
    let listed = fs::read_to_string(format!("/proc/{}/cmdline", watch.pid())).expect("a process");
    assert!(listed.contains("--key-file") && !listed.contains(&secret), "{listed}");
    watch.signal("-TERM");
    let ran = watch.ended().code(143).stderr_has("jobs watch");
    assert!(!ran.out.contains(&secret) && !ran.err.contains(&secret), "{ran:?}");

    for arguments in [
        ["keys", "list"].as_slice(),
        &["keys", "list", "--json"],
        &["jobs", "list"],
        &["jobs", "watch", "00000000-0000-0000-0000-000000000000"],
        &["jobs", "list", "--url", "http://localhost:1"],
        &["issue", "--email", "a@ejemplo.com", "--name", "A", "--result", "A", "--json"],
        &["templates", "list", "--profile", "x"],
    ] {
        let ran = world.run(arguments);
        assert!(!ran.out.contains(&secret) && !ran.err.contains(&secret), "{arguments:?}: {ran:?}");
    }
    // No flag takes a key.
    let help = world.done(&["keys", "list", "--help"]).out;
    assert!(help.contains("--key-file") && !help.contains("--key "), "{help}");
    world.stack.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_are_spanish_unless_english_is_asked_for() {
    let world = World::new().await;
    let wrong = ["issue", "--email", "a@ejemplo.com", "--name", "A", "--result", "E"];
    let speaks_english = |variables: &[(&str, &str)], flags: &[&str]| {
        let mut command = world.command(&[&wrong, flags].concat());
        let ran = command.envs(variables.iter().copied()).output().expect("it runs");
        Ran::of(ran).code(3).out.contains("not issued")
    };
    assert!(!speaks_english(&[], &[]));
    assert!(!speaks_english(&[("LANG", "C.UTF-8")], &[]));
    assert!(speaks_english(&[("LANG", "en_US.UTF-8")], &[]));
    assert!(speaks_english(&[("LC_ALL", "en_GB"), ("LANG", "es_CL.UTF-8")], &[]));
    assert!(!speaks_english(&[("UNICREDA_LANG", "es"), ("LC_ALL", "en_GB")], &[]));
    assert!(speaks_english(&[("UNICREDA_LANG", "es")], &["--lang", "en"]));
    // The service is asked in the same language.
    let english = world.run(&["jobs", "watch", "x", "--lang", "en"]).code(1);
    assert!(english.err.contains("The job does not exist"), "{english:?}");
    let spanish = world.run(&["jobs", "watch", "x"]).code(1);
    assert!(spanish.err.contains("El trabajo no existe"), "{spanish:?}");
    // No colour and no cursor movement without a terminal.
    assert!(!spanish.err.contains('\u{1b}') && !english.err.contains('\u{1b}'));
    let _: Value = world.run(&["jobs", "watch", "x", "--json"]).json();
    world.stack.shutdown().await;
}
