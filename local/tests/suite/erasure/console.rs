//! Erasure in the console: what is held is seen and given, and then the person is erased.

use serde_json::json;
use unicreda::domain::{api_key::Scope, ids::Mode};

use crate::{browser::in_browser, catalog::key_of, harness::World};

/// Three credentials for an address; the id of the last, which is another's beside.
async fn issued(world: &World, email: &str) -> String {
    let mut last = String::new();
    for (email, term) in
        [(email.to_owned(), "2026-1"), (email.to_owned(), "2026-2"), (format!("otra-{email}"), "1")]
    {
        let one = json!({
            "email": email, "recipient_name": "Ana Soto", "result_value": "A", "term": term,
        });
        let answer = world.issue_one(&one).await;
        last = answer["credential_id"].as_str().expect("an id").to_owned();
    }
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registrar_erases_a_person_in_the_console() {
    let world = World::new().await;
    let app = world.stack.app();
    let mut people = Vec::new();
    for run in ["desk", "phone"] {
        let email = format!("{run}@ejemplo.com");
        let one = issued(&world, &email).await;
        people.push(json!({ "run": run, "email": email, "one": one }));
    }
    let work = json!({
        "site": app.config.site_url,
        "key": world.demo.api_key,
        "narrow": key_of(app, "demo", Mode::Live, &[Scope::Issue, Scope::Read], None).await,
        "test": world.demo.test_api_key,
        "people": people,
        "shots": std::env::var("SHOTS").ok(),
    });
    let seen = in_browser("personal.mjs", &work).await;
    assert_eq!(seen["narrow"], json!([403, false]), "a key that cannot erase is not offered it");
    assert_eq!(seen["test"], json!([false, 0]), "nor is one of test mode");
    for (name, outcome) in [
        ("desk", "Eliminado. Los archivos que la persona guardó siguen siendo válidos."),
        ("phone", "Eliminado. Las credenciales además quedaron revocadas."),
    ] {
        let run = &seen[name];
        let email = format!("{name}@ejemplo.com");
        assert_eq!((&run["folded"], &run["undisturbed"]), (&json!(true), &json!(true)), "{run}");
        assert!(run["wrong"].as_str().is_some_and(|text| text.contains("id de una credencial")));
        assert_eq!(run["one"][1], false, "one credential is no person: {run}");
        assert!(run["oneButton"].as_str().is_some_and(|text| text.contains("1 credencial: ")));
        assert_eq!(run["oneErased"][1][0], "1 credencial", "{run}");
        assert_eq!(run["oneGone"], json!(["Esta credencial ya fue eliminada.", false]));
        assert_eq!(run["focused"], "person-held-title");
        assert_eq!(run["held"], json!([format!("Lo que se guarda de {email}"), "2 credenciales"]));
        assert_eq!(run["states"], json!(["Vigente", "Vigente"]));
        assert_eq!(run["ready"], json!(["El archivo está listo.", "person-file"]));
        assert_eq!(run["archive"], json!(["datos-personales.zip", "PK"]));
        assert_eq!(run["begun"], json!(["erase-title", true]));
        let button = format!("Eliminar 2 credenciales y todo lo de {email}");
        assert_eq!(run["button"], button);
        assert_eq!(run["noReason"], json!(["Escribe el motivo.", "erase-reason"]));
        // Each alert stands beside its field, and no other is left.
        let apart = run["apart"].as_array().expect("three");
        assert!(
            apart.len() == 3
                && apart.iter().all(|px| (0..=80).contains(&px.as_i64().unwrap_or(-1))),
            "{run}"
        );
        assert_eq!(run["alerts"], 1, "{run}");
        let other = run["other"][0].as_str().expect("a text");
        assert!(other.contains("no coincide. No se eliminó nada"), "{other}");
        assert_eq!(run["other"][1], "erase-again");
        let english = format!("Erase 2 credentials and everything about {email}");
        assert_eq!(
            (&run["english"][0], &run["english"][1]),
            (&json!(english), &json!("Lo pidió la persona"))
        );
        assert!(run["english"][2].as_str().is_some_and(|text| text.contains("does not match")));
        assert_eq!(run["erased"], json!([outcome, "person-work-title"]));
        assert_eq!(run["sums"][0], "2 credenciales", "{run}");
        assert_eq!(run["left"], json!([false, false]));
        assert_eq!(run["afterwards"], "0 credenciales");
        let held = world.get(&format!("/credentials?email={email}")).await;
        assert_eq!(held["items"], json!([]), "{held}");
    }
    let jobs = world.get("/jobs").await;
    let jobs = jobs["items"].as_array().expect("jobs");
    let erasures = jobs.iter().filter(|job| job["kind"] == "erase").count();
    assert_eq!(erasures, 4, "what was typed wrong erases nothing, and a double click is one job");
}
