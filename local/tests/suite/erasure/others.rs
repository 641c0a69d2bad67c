//! What an erasure leaves of other people, and what becomes of mail to whoever comes back.

use local::Options;
use serde_json::json;

use super::{EMAIL, NAME, ended, erase, marks, person, scan::places};
use crate::{
    feedback::{bounced, report},
    harness::World,
    spreadsheets::make::{Book, texts},
};

/// Another person, whose row has the address where it does not belong.
const QUOTING: &str = "luis@ejemplo.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_persons_row_loses_the_text_that_quotes_the_address_and_nothing_else() {
    let world = World::new().await;
    let rows = [
        json!({ "email": QUOTING, "recipient_name": "Luis", "result_value": "A", EMAIL: "x" }),
        json!({ "email": "eva@ejemplo.com", "recipient_name": "Eva", "eva@otra.example": "x" }),
        person(),
    ];
    let job = world.start_job(&rows).await;
    world.success(&job).await;
    let results = format!("/jobs/{job}/results");
    let before = world.get(&results).await;
    assert!(before["items"][0]["error"].as_str().is_some_and(|text| text.contains(EMAIL)));

    let erasure = erase(&world, &json!({})).await;
    assert_eq!(erasure["result"]["rows"], 1, "one row is the person's: {erasure}");
    assert_eq!(places(&world, &marks()).await, [""; 0]);
    let after = world.get(&results).await;
    let (one, other) = (&after["items"][0], &after["items"][1]);
    assert_eq!(one["email"], QUOTING, "{one}");
    assert_eq!(one["error"], "El detalle se eliminó con los datos de una persona", "{one}");
    assert_eq!(other, &before["items"][1]);
    let errors = world.get(&format!("/jobs/{job}")).await["result"]["errors"].clone();
    assert_eq!(
        (&errors[0]["code"], &errors[0]["email"]),
        (&json!("unknown_field"), &json!(QUOTING)),
        "{errors}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_to_an_erased_address_says_why_and_how_it_is_sent_again() {
    let world = World::new().await;
    let one = world.issue_one(&person()).await["credential_id"].clone();
    // The process that sends mail has looked at the address before.
    assert_eq!(world.mail_ended(one.as_str().expect("id")).await["email_status"], "sent");
    erase(&world, &json!({})).await;

    let body = json!({
        "template_id": world.demo.template_id, "recipients": [person()], "reissue": true,
    });
    let new = world.call("POST", "/credentials/issue", Some(&body)).await.expect(200).json();
    let new = new["credentials"][0]["credential_id"].as_str().expect("id").to_owned();
    let unsent = world.mail_ended(&new).await;
    assert_eq!(
        (&unsent["email_status"], &unsent["email_error"]),
        (&json!("failed"), &json!("erased_address")),
        "{unsent}"
    );
    let detail = unsent["email_detail"].as_str().expect("a text");
    assert!(detail.contains("se eliminaron") && detail.contains("DELETE"), "{detail}");
    let resend = format!("/credentials/{new}/resend");
    let refused = world.call("POST", &resend, None).await.problem(409, "conflict");
    let detail = refused["detail"].as_str().expect("a text");
    assert!(detail.contains("se eliminaron") && !detail.contains("rebotaron"), "{detail}");

    // A job claims mails together.
    let row =
        |result: &str| json!({ "email": EMAIL, "recipient_name": NAME, "result_value": result });
    let luis = json!({ "email": QUOTING, "recipient_name": "Luis", "result_value": "A" });
    let job = world.start_job(&[row("B"), row("C"), luis]).await;
    let result = world.success(&job).await["result"].clone();
    assert_eq!((&result["emails_failed"], &result["emails_sent"]), (&json!(2), &json!(1)));
    let rows = world.get(&format!("/jobs/{job}/results")).await;
    assert_eq!(rows["items"][0]["email_error"], "erased_address", "{rows}");

    world.call("DELETE", &format!("/suppressions/{EMAIL}"), None).await.expect(204);
    world.call("POST", &resend, None).await.expect(202);
    world
        .until("it is sent", async || {
            let shown = world.get(&format!("/credentials/{new}")).await;
            (shown["email_status"] == "sent").then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mail_of_an_erased_credential_ends_when_its_job_is_retried() {
    // Nothing but the retry's own message can end it.
    let world = World::with(Options { sweep_every: None, ..Options::in_memory() }).await;
    let first = world.issue_one(&person()).await["credential_id"].clone();
    let first = first.as_str().expect("id").to_owned();
    world.mail_ended(&first).await;
    let notice = bounced("Permanent", "General", &first, 0, EMAIL).to_string();
    assert!(report(world.stack.app(), &[notice]).await.is_empty());
    let row =
        |result: &str| json!({ "email": EMAIL, "recipient_name": NAME, "result_value": result });
    let job = world.start_job(&[row("B"), row("C")]).await;
    assert_eq!(world.success(&job).await["result"]["emails_failed"], 2);
    erase(&world, &json!({})).await;
    let retried = world.call("POST", &format!("/jobs/{job}/retry"), None).await.expect(202).json();
    assert_eq!(retried["retried_emails"], 2, "{retried}");
    let result = ended(&world, &job).await["result"].clone();
    assert_eq!((&result["successful"], &result["emails_skipped"]), (&json!(2), &json!(2)));
}

/// Nobody knows whom the name of a refused file means, and it is of no further use.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_name_of_a_refused_file_goes_too() {
    let world = World::new().await;
    let name = format!("{NAME}.csv");
    let job = world.upload(&name, b"Correo;Otra cosa\r\na@ejemplo.com;x\r\n", &json!({})).await;
    assert_eq!(world.file_job(&job).await["file"]["name"], name);
    assert!(!places(&world, &marks()).await.is_empty(), "it is named after the person");
    erase(&world, &json!({})).await;
    assert_eq!(places(&world, &marks()).await, [""; 0]);
    assert_eq!(world.get(&format!("/jobs/{job}")).await["file"]["name"], "archivo");
}

/// The names of a spreadsheet's sheets are its people's in many a file, and what is not read has anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_names_of_sheets_go_too_and_a_spreadsheet_as_it_came() {
    let world = World::new().await;
    let sheet = |name: &str, rows: &[&[&str]]| {
        let rows = (1..).zip(rows).map(|(n, row)| texts(n, row)).collect::<String>();
        (name.to_owned(), "visible", rows)
    };
    let header = ["Correo", "Nombre", "Nota"].as_slice();
    let file = |sheets| Book { sheets, ..Book::default() }.file();
    let options = json!({ "send_email": false });

    // Refused, for a header that says nothing of its sheets.
    let refused = file(vec![sheet(NAME, &[&["Correo", "Otra cosa"], &["a@ejemplo.com", "x"]])]);
    let refused = world.upload("uno.xlsx", &refused, &json!({ "sheet": NAME })).await;
    let file_of_refused = world.file_job(&refused).await["file"].clone();
    assert_eq!(
        (&file_of_refused["sheet"], &file_of_refused["sheets"]),
        (&json!(NAME), &json!([NAME]))
    );
    // Read: the person's own sheet, with a row of theirs.
    let own = file(vec![sheet("Notas", &[&["nada"]]), sheet(NAME, &[header, &[EMAIL, NAME, "B"]])]);
    let own = world.upload("dos.xlsx", &own, &json!({ "sheet": NAME, "send_email": false })).await;
    assert_eq!(world.file_job(&own).await["file"]["sheet"], NAME);
    // Read: another sheet than that which is called by the address.
    let beside = file(vec![
        sheet("Acta", &[header, &["eva@ejemplo.com", "Eva Paz", "A"]]),
        sheet(EMAIL, &[&["x"], &["luz@ejemplo.com"]]),
    ]);
    let beside = world.upload("tres.xlsx", &beside, &options).await;
    let file_of_beside = world.file_job(&beside).await["file"].clone();
    assert_eq!(file_of_beside["unread_sheets"], json!([EMAIL]), "{file_of_beside}");
    // Nothing says that the person is in it.
    let unread = file(vec![
        sheet("Acta", &[header, &["luz@ejemplo.com", "Luz Paz", "A"]]),
        sheet("Otra", &[&[EMAIL]]),
    ]);
    let unread = world.upload("cuatro.xlsx", &unread, &options).await;
    let before = world.file_job(&unread).await;
    let kinds = ["JOB failure", "JOB sheet", "UPLOAD sheet", "bucket incoming/"];
    let found = places(&world, &marks()).await;
    for kind in kinds {
        assert!(found.iter().any(|place| place.contains(kind)), "{kind}: {found:?}");
    }

    erase(&world, &json!({})).await;
    assert_eq!(places(&world, &marks()).await, [""; 0]);
    let sheets_of = async |job: &str| {
        let file = world.get(&format!("/jobs/{job}")).await["file"].clone();
        json!([file["sheet"], file["sheets"]])
    };
    assert_eq!(sheets_of(&refused).await, json!([null, null]));
    assert_eq!(sheets_of(&own).await, json!(["hoja", []]));
    assert_eq!(sheets_of(&beside).await, json!(["Acta", []]));
    // Others have their results still.
    assert_eq!(world.get(&format!("/jobs/{unread}")).await["file"], before["file"]);
    assert!(world.results_file(&unread).await.contains("luz@ejemplo.com"));
}
