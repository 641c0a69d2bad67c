//! Files that carry a document, and what a form sends.

use unicreda::{
    document::attached::{Carrier, MAX_DOCUMENT, document_of},
    domain::lang::Lang,
};

use super::corpus::{Inputs, Shape};
use crate::{harness::World, queues::unread};

#[test]
fn every_file_has_one_small_document_or_a_reason() {
    let (mut read, mut refused) = (0, 0);
    for shape in [Shape::Png, Shape::Text] {
        for file in Inputs::of("attached", shape, 2_000) {
            match document_of(&file) {
                Ok(document) => {
                    assert!(document.len() <= MAX_DOCUMENT, "{}", file.name);
                    assert!(Carrier::of(&file).is_some(), "{}", file.name);
                    let begin = document.trim_ascii_start();
                    assert!(begin.starts_with(b"{") || begin.starts_with(b"\xef\xbb\xbf"));
                    read += 1;
                }
                Err(fault) => {
                    assert!(!fault.text(Lang::Es).is_empty() && !fault.code().is_empty());
                    refused += 1;
                }
            }
        }
    }
    eprintln!("attached: {read} read, {refused} refused");
    assert!(read > 500 && refused > 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_form_is_answered_with_a_5xx() {
    let world = World::with(unread()).await;
    let (mut told, mut refused) = (0, 0);
    for file in Inputs::of("attached", Shape::Text, 100) {
        let kind = "multipart/form-data; boundary=x";
        let head = b"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n";
        let body = [head, &file[..], b"\r\n--x--"].concat();
        let reply = world.send("POST", "/verify", &[("content-type", kind)], body).await;
        assert!(reply.status.as_u16() < 500, "{}: {}", file.name, reply.status);
        assert!(reply.body.len() < 64 * 1024, "{}: {} bytes", file.name, reply.body.len());
        if reply.status == 200 { told += 1 } else { refused += 1 }
    }
    eprintln!("forms: {told} told, {refused} refused");
    assert!(told > 10 && refused > 10);
}
