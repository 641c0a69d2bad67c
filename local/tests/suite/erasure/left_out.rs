//! Each place that an erasure cleans, left out: the traffic between the erasure and a service is changed so
//! that this place stays as it is, and the search names it and no other. The places are those of which
//! `docs/data.md` says that an erasure does something.

use std::{collections::BTreeSet, time::Duration};

use futures::{StreamExt, stream};
use local::Options;
use serde_json::json;
use tokio::time::timeout;
use unicreda::jobs::sweep::{self, SweepMode};

use super::{
    erase, marks,
    paths::{dead_letters, every_way},
    scan::found,
};
use crate::{
    data::{Document, Row},
    faults::{Fault, Faults},
    harness::World,
    queues,
};

/// Worlds at the same time; the machine's cores are few.
const SIDE_BY_SIDE: usize = 3;

/// An erasure that takes longer does not end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A place, and how an erasure leaves it out.
struct LeftOut {
    /// Store and key, as the document has them.
    place: &'static str,
    /// The attributes that the search finds; none of an object or a message.
    attributes: &'static [&'static str],
    /// The calls that are spoiled: their operation, and a text in them. `{one}` is the id of a credential.
    calls: (&'static str, &'static str),
    fault: Fault,
    /// Places that are left by the same call.
    with: &'static [&'static str],
}

const fn ignored(
    place: &'static str,
    attributes: &'static [&'static str],
    calls: (&'static str, &'static str),
) -> LeftOut {
    LeftOut { place, attributes, calls, fault: Fault::Ignored, with: &[] }
}

const JOB: &str = "jobs JOB#{job} / JOB";
const INCOMING: &str = "bucket incoming/{mode}/{org}/{path…}";
const RESULTS: &str = "bucket results/{mode}/{org}/{path…}";
const SHEETS: &str = "bucket sheets/{mode}/{org}/{path…}";

/// A break of the erasure for each place, and for each part of one that has a write of its own.
static LEFT_OUT: [LeftOut; 26] = [
    ignored(
        "catalog MEMBERS#{org}#{partition} / {address}",
        &["email", "name", "sk"],
        ("DeleteItem", "MEMBERS#"),
    ),
    ignored(
        "catalog SUPPRESSED#{org} / {address}",
        &["email", "sk"],
        ("DeleteItem", "SUPPRESSED#demo\""),
    ),
    ignored(
        "catalog SUPPRESSED#{org}#test / {address}",
        &["email", "sk"],
        ("DeleteItem", "SUPPRESSED#demo#test\""),
    ),
    ignored("credentials {id}", &["recipient", "signed"], ("PutItem", "{one}")),
    ignored(
        "credentials EVENT#{id}#{revision}",
        &["reason", "replaced"],
        ("UpdateItem", "REMOVE #reason, replaced"),
    ),
    ignored("credentials MAIL#{id}", &["html", "text"], ("DeleteItem", "MAIL#")),
    ignored(JOB, &["warnings"], ("UpdateItem", "REMOVE warnings")),
    ignored(JOB, &["failure"], ("UpdateItem", "failure = :failure")),
    ignored(JOB, &["revocation"], ("UpdateItem", "revocation.reason = :hidden")),
    ignored(JOB, &["file"], ("UpdateItem", "{\"#name\":\"file\"}")),
    ignored(JOB, &["sheet"], ("UpdateItem", "SET sheet = :sheet\"")),
    ignored("jobs JOB#{job} / COLUMNS", &["columns"], ("DeleteItem", "\"COLUMNS\"")),
    ignored("jobs {job}#{shard} / IN#{piece}", &["data"], ("UpdateItem", "SET #data = :after")),
    ignored("jobs {job}#{shard} / F#{row}", &["email"], ("UpdateItem", "\"F#0")),
    ignored("jobs {job}#{shard} / C#{row}", &["changes"], ("DeleteItem", "\"C#0")),
    ignored("jobs {job}#{shard} / W#{row}", &["alike"], ("DeleteItem", "\"W#0")),
    ignored("jobs SEEN#{job}#{hash} / SEEN", &["content"], ("DeleteItem", "SEEN#")),
    ignored(
        "jobs UPLOAD#{upload} / UPLOAD",
        &["file_name"],
        ("UpdateItem", "{\"#name\":\"file_name\"}"),
    ),
    ignored("jobs UPLOAD#{upload} / UPLOAD", &["sheet"], ("UpdateItem", "REMOVE sheet\"")),
    // A file that is not there any more is not deleted.
    LeftOut {
        place: INCOMING,
        attributes: &[],
        calls: ("S3 GET", "/incoming/"),
        fault: Fault::NoSuchKey,
        with: &[],
    },
    // One call deletes a file, its results and the rows of its sheet.
    LeftOut {
        place: RESULTS,
        attributes: &[],
        calls: ("S3 POST", "<Key>results/"),
        fault: Fault::Ignored,
        with: &[INCOMING, SHEETS],
    },
    LeftOut {
        place: SHEETS,
        attributes: &[],
        calls: ("S3 POST", "<Key>sheets/"),
        fault: Fault::Ignored,
        with: &[INCOMING, RESULTS],
    },
    ignored("bucket prints/{path…}", &[], ("S3 POST", "<Key>prints/")),
    ignored("bucket exports/{path…}", &[], ("S3 POST", "<Key>exports/")),
    ignored("queue issue-dead", &[], ("ReceiveMessage", "issue-dlq")),
    ignored("queue feedback-dead", &[], ("ReceiveMessage", "feedback-dlq")),
];

/// Queues again what is left behind, without the minutes that the sweeper gives a living process: a job that is open
/// though nothing is queued for it.
async fn swept(world: &World) {
    let app = world.stack.app();
    loop {
        world
            .until("a job stands still, or all end", async || {
                let open = app.jobs.open(None, 1).await.expect("open jobs").items;
                (!open.is_empty() && queues::are_empty(world).await).then_some(())
            })
            .await;
        sweep::sweep(app, SweepMode { resume: true }).await.expect("a run");
    }
}

/// What an erasure leaves of a person who went every way, by place and attribute.
async fn left(broken: &'static LeftOut) -> BTreeSet<(String, Option<String>)> {
    let faults = Faults::default();
    let mut world = World::with(faults.under(Options::in_memory())).await;
    world.skip_oracle();
    let held = tokio::select! {
        held = every_way(&world) => held,
        () = swept(&world) => panic!("swept for ever"),
    };
    dead_letters(&world, &held["one"]).await;
    let (operation, containing) = broken.calls;
    let containing = containing.replace("{one}", &held["one"]);
    faults.on_calls_with(operation, &containing, 0..usize::MAX, broken.fault.clone());
    erase(&world, &json!({})).await;
    faults.heal_plan();
    assert!(faults.injected() > 0, "{}: no call was spoiled", broken.place);
    let document = Document::read();
    let found = found(&world, &marks()).await.into_iter();
    let found = found.map(|place| {
        let key = place.key.join(" / ");
        let row = document.of(place.store, &key).map(Row::name);
        (row.unwrap_or_else(|| place.to_string()), place.attribute)
    });
    found.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_place_that_an_erasure_leaves_out_is_found_and_no_other() {
    let mut outcomes = stream::iter(&LEFT_OUT)
        .map(|broken| async move { (broken, timeout(PATIENCE, left(broken)).await) })
        .buffer_unordered(SIDE_BY_SIDE);
    let mut wrong = Vec::new();
    while let Some((LeftOut { place, attributes, with, .. }, found)) = outcomes.next().await {
        let of = |name: &str| ((*place).to_owned(), Some(name.to_owned()));
        let mut expected: BTreeSet<_> = attributes.iter().map(|name| of(name)).collect();
        if expected.is_empty() {
            let whole = [*place].into_iter().chain(with.iter().copied());
            expected.extend(whole.map(|place| (place.to_owned(), None)));
        }
        if found.as_ref() != Ok(&expected) {
            wrong.push(format!("{place} {attributes:?}: {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A row of the document that says of an erasure what it does has a break, and no other row has.
#[test]
fn every_place_of_the_document_that_an_erasure_cleans_is_left_out_once() {
    let document = Document::read();
    let cleaned = document.rows.iter().filter(|row| row.is_cleaned()).map(Row::name);
    let cleaned: BTreeSet<String> = cleaned.collect();
    let broken: BTreeSet<String> = LEFT_OUT.iter().map(|left| left.place.to_owned()).collect();
    assert_eq!(cleaned, broken);
}
