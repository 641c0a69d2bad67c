//! Retention: what has ended loses its person when the organization's time for it is over.

use std::time::Duration;

use serde_json::json;

use super::scan::{Marks, places};
use crate::{crashes::ends_after_a_month, harness::person, sim::Sim};

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ended_is_erased_when_its_time_is_over_and_nothing_else() {
    let mut sim = Sim::new(0).await;
    sim.world.skip_oracle();
    // One that does not end, one that is revoked, one that ends after a month.
    let mut ids = Vec::new();
    for n in 1..=2 {
        let issued = sim.issue(&[person(n)], &[], None).await.expect("issued").json();
        ids.push(issued["credentials"][0]["credential_id"].as_str().expect("id").to_owned());
    }
    ends_after_a_month(&sim).await.expect("a template");
    let issued = sim.issue(&[person(3)], &[], None).await.expect("issued").json();
    ids.push(issued["credentials"][0]["credential_id"].as_str().expect("id").to_owned());
    sim.drain().await.expect("it ends");
    let revoke = format!("/credentials/{}/revoke", ids[1]);
    let why = json!({ "reason": "x" });
    assert_eq!(sim.insist("POST", &revoke, Some(&why), None).await.expect("200").status, 200);
    let mut settings = sim.world.get("/organization").await;
    settings["retention"] = json!({ "ended_credentials_days": 60 });
    let put = sim.insist("PUT", "/organization", Some(&settings), None).await.expect("200");
    assert_eq!(put.status, 200, "{}", put.body);

    let mut erased_on = [None; 3];
    for day in 0..=100_usize {
        sim.sweep().await;
        sim.drain().await.expect("it ends");
        for (id, on) in ids.iter().zip(&mut erased_on) {
            let shown = sim.world.get(&format!("/credentials/{id}")).await;
            if shown["status"] == "erased" {
                on.get_or_insert(day);
            }
        }
        sim.clock.jump(DAY);
    }
    let [forever, revoked, ended] = erased_on;
    assert_eq!(forever, None);
    // A day more where the walk came before the day was over.
    assert!(revoked.is_some_and(|day| (60..=62).contains(&day)), "{revoked:?}");
    assert!(ended.is_some_and(|day| (87..=93).contains(&day)), "{ended:?}");
    let page = format!("/credential/{}", ids[2]);
    let page = sim.world.send("GET", &page, &[], "").await.expect(410).text();
    assert!(page.contains("Eliminada al cumplirse su plazo"), "{page}");
    let left = places(&sim.world, &Marks::of(&["persona2@", "persona3@"])).await;
    assert_eq!(left, [""; 0]);
    // The status bits are as they were.
    let shown = sim.world.get(&format!("/credentials/{}", ids[2])).await;
    assert_eq!(shown["still_valid"], true, "{shown}");
}
