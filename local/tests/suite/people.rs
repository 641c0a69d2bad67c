//! The same person with another spelling, or another address: a dry run says it of a request and of a
//! file alike, names both, and blocks nothing.

use serde_json::{Value, json};

use crate::{
    faults::Fault,
    harness::{World, check_sums},
    sim::Sim,
};

/// Warnings of comparisons among those of a row.
fn compared(row: &Value) -> Vec<(String, String)> {
    let list = |name: &str| row[name].as_array().cloned().unwrap_or_default();
    let texts = list("warnings").into_iter();
    let kinds = list("warning_kinds").into_iter();
    let text = |value: Value| value.as_str().expect("a text").to_owned();
    kinds.map(text).zip(texts.map(text)).collect()
}

fn one(email: &str, name: &str, grade: &str) -> Value {
    json!({ "email": email, "recipient_name": name, "result_value": grade })
}

/// A template of the organization beside that of the demo.
async fn other_template(world: &World) -> String {
    let body = json!({
        "name": "Otro curso", "description": "Otro",
        "fields": [
            { "name": "recipient_name", "required": true }, { "name": "result_value", "required": true },
        ],
    });
    let made = world.call("POST", "/templates", Some(&body)).await.expect(201).json();
    made["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_names_who_seems_to_be_somewhere_already_and_blocks_nothing() {
    let world = World::new().await;
    let issued = async |recipient: Value| {
        let issued = world.issue_one(&recipient).await;
        issued["credential_id"].as_str().expect("an id").to_owned()
    };
    let ana = issued(one("ana@ejemplo.com", "Ana Pérez", "A")).await;
    issued(one("eva@ejemplo.com", "Eva Ríos", "A")).await;
    issued(one("ida@ejemplo.com", "Ida Mora", "A")).await;
    let revoked = issued(one("luz@ejemplo.com", "Luz Paz Soto", "A")).await;
    let path = format!("/credentials/{revoked}/revoke");
    world.call("POST", &path, Some(&json!({ "reason": "error" }))).await.expect(200);
    // Another template of the organization: capitals are the habit of a list, a letter is a slip.
    let template = other_template(&world).await;
    let body = json!({ "template_id": template, "recipients": [one("sol@ejemplo.com", "Sol Vera Ruis", "A")] });
    let sol = world.call("POST", "/credentials/issue", Some(&body)).await.expect(200).json();
    let sol = sol["credentials"][0]["credential_id"].as_str().expect("an id").to_owned();
    let body =
        json!({ "template_id": template, "recipients": [one("mar@ejemplo.com", "MAR VERA", "A")] });
    world.call("POST", "/credentials/issue", Some(&body)).await.expect(200);

    let rows = [
        // 1: under the same address as a credential, spelled otherwise.
        one("ana@ejemplo.com", "Ana Peres", "B"),
        // 2: the same name with another grade; 3: somebody else; 4: only a revoked one.
        one("eva@ejemplo.com", "Eva Ríos", "B"),
        one("ida@ejemplo.com", "Luis Mora", "B"),
        one("luz@ejemplo.com", "Luz Paz Sotto", "B"),
        // 5 and 6: another template.
        one("sol@ejemplo.com", "Sol Vera Ruiz", "A"),
        one("mar@ejemplo.com", "Mar Vera", "A"),
        // 7 to 9: the same person in one list, by the address and by the name.
        one("leo@ejemplo.com", "Leo Díaz Rey", "A"),
        one("leo@ejemplo.com", "DIAZ REY, LEO", "A"),
        one("leo@otra.example", "leo diaz rey", "A"),
        // 10 and 11: ids of the organization's own tell two people apart.
        json!({ "email": "a1@ejemplo.com", "recipient_name": "Juan Pérez", "result_value": "A", "external_id": "1" }),
        json!({ "email": "a2@ejemplo.com", "recipient_name": "Juan Pérez", "result_value": "A", "external_id": "2" }),
        // 12 and 13: one name is no person.
        one("b1@ejemplo.com", "Ana", "A"),
        one("b2@ejemplo.com", "Ana", "A"),
        // 14: refused, and nobody to be compared.
        one("leo@ejemplo.com", "Leo Dias Rey", "Z"),
        // 15: what was issued before is found, and says nothing.
        one("ana@ejemplo.com", "Ana Pérez", "A"),
    ];
    let expected: Vec<Vec<(&str, Vec<String>)>> = (1..=15)
        .map(|row| match row {
            1 => vec![(
                "other_spelling",
                vec!["«Ana Peres»".into(), "«Ana Pérez»".into(), ana.clone()],
            )],
            5 => vec![("other_spelling", vec!["«Sol Vera Ruis»".into(), sol.clone()])],
            8 => vec![("other_spelling", vec!["la fila 7 dice «Leo Díaz Rey»".into()])],
            9 => vec![("same_name", vec!["la fila 7".into(), "leo@ejemplo.com".into()])],
            15 => vec![("other_spelling", vec!["la fila 1 dice «Ana Peres»".into()])],
            _ => Vec::new(),
        })
        .collect();
    let check = |found: &[Value]| {
        for (at, (row, expected)) in found.iter().zip(&expected).enumerate() {
            let said = compared(row);
            let kinds: Vec<&str> = said.iter().map(|(kind, _)| kind.as_str()).collect();
            let wanted: Vec<&str> = expected.iter().map(|(kind, _)| *kind).collect();
            assert_eq!(kinds, wanted, "row {}: {row}", at + 1);
            for ((_, text), (_, parts)) in said.iter().zip(expected) {
                let named = text.contains("recipient_name");
                let all = parts.iter().all(|part| text.contains(part.as_str()));
                assert!(named && all, "row {}: {text}", at + 1);
            }
        }
    };
    let body = json!({ "template_id": world.demo.template_id, "recipients": rows });
    let answer =
        world.call("POST", "/credentials/issue?dry_run=true", Some(&body)).await.expect(200).json();
    assert_eq!((&answer["new"], &answer["invalid"]), (&json!(13), &json!(1)), "{answer}");
    check(answer["recipients"].as_array().expect("rows"));
    a_file_says_the_same(&world, &rows, &ana).await;

    // Issuing compares nobody: it blocks nothing, and takes no further reads.
    let issued = world.issue_one(&rows[0]).await;
    assert_eq!(issued.get("warnings"), None, "{issued}");
    let refused = json!({
        "template_id": world.demo.template_id, "recipients": [&rows[4]], "strict": ["other_spelling"],
    });
    let problem = world
        .call("POST", "/credentials/issue", Some(&refused))
        .await
        .problem(400, "invalid_request");
    assert_eq!(problem["errors"][0]["pointer"], "/strict", "{problem}");
}

async fn a_file_says_the_same(world: &World, rows: &[Value], ana: &str) {
    let mut file = "Correo;Nombre completo;Nota;Id externo\n".to_owned();
    for row in rows {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let (email, name) = (text("email"), text("recipient_name"));
        file += &format!("{email};{name};{};{}\n", text("result_value"), text("external_id"));
    }
    let job = world.upload("acta.csv", file.as_bytes(), &json!({ "dry_run": true })).await;
    let status = world.file_job(&job).await;
    check_sums(&status["result"]);
    let page = world.get(&format!("/jobs/{job}/results")).await;
    let found = page["items"].as_array().expect("rows");
    let kinds_of = |row: usize| -> Vec<String> {
        compared(&found[row - 1]).into_iter().map(|(kind, _)| kind).collect()
    };
    for row in [2, 3, 4, 6, 10, 11, 12, 13, 14] {
        assert_eq!(kinds_of(row), [] as [&str; 0], "{}", found[row - 1]);
    }
    // Row 1 is compared with the credential that it would stand beside, in the words of the file.
    let (_, text) = &compared(&found[0])[0];
    assert!(text.contains("El campo «Nombre completo» dice «Ana Peres»"), "{text}");
    assert!(text.contains(ana), "{text}");
    assert_eq!(kinds_of(5), ["other_spelling"]);
    // Whichever of them was read first, the others name it.
    let trio: Vec<String> = [7, 8, 9].into_iter().flat_map(kinds_of).collect();
    let count = |kind: &str| trio.iter().filter(|found| *found == kind).count();
    assert_eq!(count("other_spelling"), 1, "{trio:?}");
    for (_, text) in found[6..9].iter().flat_map(compared) {
        assert!(text.contains(" la línea ") && !text.contains("fila"), "{text}");
    }
    assert!((1..=2).contains(&count("same_name")), "{trio:?}");

    // The job counts them by kind, and names rows and values.
    let warnings = status["warnings"].as_array().expect("warnings");
    let of = |kind: &str| {
        let found = warnings.iter().find(|warning| warning["kind"] == kind);
        found.unwrap_or_else(|| panic!("{kind}: {status}")).clone()
    };
    let all: Vec<Vec<String>> = (1..=rows.len()).map(kinds_of).collect();
    for kind in ["other_spelling", "same_name"] {
        let named: Vec<usize> =
            (1..=rows.len()).filter(|row| all[row - 1].iter().any(|found| found == kind)).collect();
        let warning = of(kind);
        assert_eq!(warning["count"], json!(named.len()), "{warning}");
        assert_eq!(warning["rows"], json!(named), "{warning}");
        let lines: Vec<usize> = named.iter().map(|row| row + 1).collect();
        assert_eq!(warning["lines"], json!(lines), "{warning}");
    }
    let spelled = of("other_spelling");
    let first = json!({ "row": 1, "line": 2, "value": "Ana Peres", "meant": "Ana Pérez", "at": { "credential": ana } });
    assert_eq!(spelled["examples"][0], first, "{spelled}");
    let text = spelled["text"].as_str().expect("a text");
    assert!(
        text.contains(&format!("línea 2 «Ana Peres» y la credencial {ana} «Ana Pérez»")),
        "{text}"
    );
    let listed = world.get("/jobs").await["items"][0].clone();
    let counted = listed["warnings"].as_array().expect("warnings").iter();
    let counted: Vec<_> = counted.map(|w| (w["kind"].clone(), w["count"].clone())).collect();
    assert!(counted.contains(&(json!("other_spelling"), spelled["count"].clone())), "{listed}");
}

/// Rows in shards of two, whose consumers die at the notes of their people, before them and after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_comes_again_is_compared_once_and_never_with_itself() {
    for done in [false, true] {
        let mut sim = Sim::new(0).await;
        sim.with_shards_of(2);
        let mut file = "email,name,grade\n".to_owned();
        for n in 1..=4 {
            for name in ["Persona Zorrilla", "ZORRILLA, PERSONA"] {
                file += &format!("persona{n}@ejemplo.com,\"{name} {n}\",A\n");
            }
        }
        let body = json!({
            "template_id": sim.world.demo.template_id, "file_name": "acta.csv", "size": file.len(),
            "dry_run": true,
        });
        let answer = sim.insist("POST", "/uploads", Some(&body), None).await.expect("an answer");
        let allowed = answer.json();
        assert_eq!(sim.world.put_file(&allowed["upload"], file.into_bytes()).await, 200);
        sim.faults.on_calls_with("UpdateItem", "SEEN#", 2..9, Fault::Gone { done });
        sim.drain().await.expect("it ends");
        assert!(sim.faults.injected() > 0);
        let job =
            sim.world.get("/jobs").await["items"][0]["job_id"].as_str().expect("id").to_owned();
        let status = sim.world.get(&format!("/jobs/{job}")).await;
        let warnings = &status["warnings"];
        assert_eq!(warnings.as_array().map(Vec::len), Some(1), "{status}");
        assert_eq!(
            (&warnings[0]["kind"], &warnings[0]["count"]),
            (&json!("other_spelling"), &json!(4)),
            "{status}"
        );
        let rows = warnings[0]["rows"].as_array().expect("rows");
        let rows: Vec<u64> = rows.iter().filter_map(Value::as_u64).collect();
        let pairs: Vec<u64> = rows.iter().map(|row| row.div_ceil(2)).collect();
        assert_eq!(pairs, [1, 2, 3, 4], "one of each pair: {status}");
        for row in rows {
            let other = if row % 2 == 0 { row - 1 } else { row + 1 };
            let path = format!("/jobs/{job}/results?limit=100");
            let found = sim.world.get(&path).await["items"].as_array().expect("rows").clone();
            let at = usize::try_from(row).expect("small") - 1;
            let (_, text) = &compared(&found[at])[0];
            assert!(text.contains(&format!("la línea {} dice", other + 1)), "{row}: {text}");
        }
        assert_eq!(sim.world.get("/credentials").await["items"], json!([]));
    }
}
