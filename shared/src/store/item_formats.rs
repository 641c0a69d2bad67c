//! Items of earlier formats.

use serde::{Deserialize, Serialize};

use super::{from_item, to_item};
use crate::domain::{
    credential::{Packed, RecipientType},
    packing,
    recipient::Recipient,
};

#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(with = "packing::json")]
    recipient: Recipient,
    signed: Packed,
    #[serde(default, skip_serializing_if = "RecipientType::is_external")]
    recipient_type: RecipientType,
}

#[test]
fn an_item_of_an_earlier_format_is_read_and_kept_in_fewer_bytes() {
    let text = r#"{"email":"maria.quispe@ejemplo.com","recipient_name":"Fionnuala Quispe \"Q\"","result_value":"B","credits_earned":6.5,"role":"Estudiante","term":"2025-1","activity_start_date":"2025-03-10","activity_end_date":"2025-07-21","external_id":"2025-7"}"#;
    let earlier = serde_json::json!({
        "recipient": text, "recipient_type": "external",
        "signed": { "document": [1, 2], "dictionary": "n", "status_list": 3, "status_index": 4 },
    });
    let kept: Kept = serde_json::from_value(earlier).expect("read");
    let item = to_item(&kept).expect("kept");
    assert!(!item.contains_key("recipient_type"));
    let packed = item.get("recipient").and_then(|value| value.as_b().ok()).expect("bytes");
    assert!(2 * packed.as_ref().len() < text.len(), "{}", packed.as_ref().len());
    let again: Kept = from_item(item).expect("read again");
    assert_eq!(serde_json::to_string(&again.recipient).expect("JSON"), text);
    assert_eq!(again.recipient_type, RecipientType::External);
    assert_eq!(again.signed, kept.signed);
    assert_eq!((again.signed.status_list, again.signed.status_index), (3, 4));
}
