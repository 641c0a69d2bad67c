//! Signing keys: sealed by KMS or by a key file, opened by who may.

use std::{
    convert::Infallible,
    fs,
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
};

use aws_config::BehaviorVersion;
use aws_sdk_kms::config::{Credentials, Region};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use lambda_http::Request;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use unicreda::{
    App,
    api::{organization, templates},
    aws::kms::{Keys, Vault},
    domain::{
        api_key::{self, Scope},
        email::EmailAddress,
        fields::Fields,
        ids::{Mode, OrgId, TemplateId},
        organization::Settings,
        signing_key::KeyError,
        template::Definition,
    },
};

use crate::harness::{World, person, proxy_event};

/// What a KMS with one symmetric key has sealed: each plaintext with its context.
type Sealed = Arc<Mutex<Vec<(Value, Value)>>>;

/// Answers `Encrypt` and `Decrypt`. As in AWS, another context does not open a ciphertext.
async fn answer_as_kms(
    sealed: Sealed,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let operation = request.headers()["x-amz-target"].to_str().expect("text").to_owned();
    let body = request.into_body().collect().await.expect("a body").to_bytes();
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(body["KeyId"], KEY);
    let mut sealed = sealed.lock().expect("lock");
    let (status, answer) = match operation.as_str() {
        "TrentService.Encrypt" => {
            sealed.push((body["Plaintext"].clone(), body["EncryptionContext"].clone()));
            let name = STANDARD.encode((sealed.len() - 1).to_string());
            (200, json!({ "CiphertextBlob": name, "KeyId": KEY }))
        }
        "TrentService.Decrypt" => {
            let name = STANDARD.decode(body["CiphertextBlob"].as_str().expect("text"));
            let name = String::from_utf8(name.expect("base64")).expect("text");
            let (plaintext, context) = &sealed[name.parse::<usize>().expect("a number")];
            if body["EncryptionContext"] == *context {
                (200, json!({ "Plaintext": plaintext, "KeyId": KEY }))
            } else {
                (400, json!({ "__type": "InvalidCiphertextException" }))
            }
        }
        other => panic!("{other}"),
    };
    let answer = http::Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.1")
        .body(Full::new(answer.to_string().into()));
    Ok(answer.expect("an answer"))
}

/// A KMS with one symmetric key. The rehearsal uses an emulator's, with IAM.
async fn kms() -> (aws_sdk_kms::Client, String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let sealed = Sealed::default();
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sealed = Arc::clone(&sealed);
            let service = service_fn(move |request| answer_as_kms(Arc::clone(&sealed), request));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(aws_sdk_kms::config::retry::RetryConfig::disabled())
        .endpoint_url(url)
        .build();
    (aws_sdk_kms::Client::from_conf(config), KEY.to_owned(), server)
}

fn org(name: &str) -> OrgId {
    OrgId::parse(name).expect("a name")
}

/// The key's ARN.
const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/1";

/// The message of a proof.
const MESSAGE: [u8; 64] = [7; 64];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kms_opens_a_signing_key_for_its_own_organization_and_mode_alone() {
    let (client, key_id, server) = kms().await;
    let vault = Vault::Kms { client, key_id };
    let (demo, other) = (org("demo"), org("otra"));
    let keys = Keys::new(vault.clone());
    let sealed = keys.make(&demo, Mode::Live, "2026-11-24T09:00:00.000Z").await.expect("made");
    let signer = keys.signer(&sealed, &demo, Mode::Live).await.expect("opened");
    assert_eq!(signer.multikey, sealed.multikey);
    assert_eq!(signer.sign(&MESSAGE).await.expect("signed").len(), 64);
    for (org, mode) in [(&other, Mode::Live), (&demo, Mode::Test)] {
        let refused = Keys::new(vault.clone()).signer(&sealed, org, mode).await;
        assert!(matches!(refused, Err(KeyError::Broken(_))), "{refused:?}");
    }
    // A seed that stands under another key's name is not taken for it.
    let mut swapped = keys.make(&demo, Mode::Live, "x").await.expect("made");
    swapped.multikey.clone_from(&sealed.multikey);
    let refused = Keys::new(vault.clone()).signer(&swapped, &demo, Mode::Live).await;
    assert!(matches!(refused, Err(KeyError::Broken(_))), "{refused:?}");
    // Opened once, it needs no KMS; a process that has not opened it is told to come again.
    server.abort();
    assert!(server.await.is_err());
    keys.signer(&sealed, &demo, Mode::Live).await.expect("still open");
    let gone = Vault::Kms {
        client: match &vault {
            Vault::Kms { client, .. } => aws_sdk_kms::Client::from_conf(
                client.config().to_builder().endpoint_url("http://127.0.0.1:9").build(),
            ),
            _ => panic!("a KMS vault"),
        },
        key_id: sealed.multikey.clone(),
    };
    let unavailable = Keys::new(gone).signer(&sealed, &demo, Mode::Live).await;
    assert!(matches!(unavailable, Err(KeyError::Unavailable(_))), "{unavailable:?}");
}

async fn issued_by(app: &App, key: &str, template: &str) -> Value {
    let body = json!({ "template_id": template, "recipients": [person(1)] }).to_string();
    let event = proxy_event(key, "POST", "/credentials/issue", Some(body.as_bytes()), None);
    let request: Request = lambda_http::request::from_str(&event.to_string()).expect("an event");
    let answer = issue::handle(app, request).await;
    let status = answer.status().as_u16();
    let body = match answer.into_body() {
        lambda_http::Body::Text(text) => text,
        other => panic!("{other:?}"),
    };
    let mut read: Value = serde_json::from_str(&body).expect("JSON");
    read["http"] = status.into();
    read
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_whose_keys_kms_seals_issues_credentials_that_verify() {
    let world = World::new().await;
    let (client, key_id, _server) = kms().await;
    let mut app = world.stack.app().clone();
    app.keys = Keys::new(Vault::Kms { client, key_id });
    let settings = Settings::new(
        "Universidad KMS",
        EmailAddress::parse("credenciales@demo.example").expect("an address"),
    );
    let (name, now) = (org("kms"), "2026-11-24T09:00:00.000Z".to_owned());
    // Twice: the second call finds everything there.
    for created in [true, false] {
        let made = organization::create(&app, name.clone(), settings.clone(), now.clone());
        assert_eq!(made.await.expect("made"), created);
    }
    assert_eq!(app.catalog.public_keys(&name, Mode::Live).await.expect("keys").len(), 1);
    let definition = json!({
        "name": "Curso", "description": "Un curso.",
        "fields": [{ "name": "recipient_name" }, { "name": "result_value" }],
    });
    let definition = Fields::of_body(definition.to_string().as_bytes()).expect("an object");
    let (definition, _) = Definition::read(definition).expect("a definition");
    let id = TemplateId::from(uuid::Uuid::new_v4());
    let template = templates::first_version(id, definition, now.clone());
    app.catalog.put_template(&name, &template).await.expect("put");
    let key = api_key::new(
        &name,
        Mode::Live,
        "x".to_owned(),
        Scope::ALL.to_vec(),
        now,
        None,
        &unicreda::api::auth::random().expect("entropy"),
    );
    app.catalog.put_key(&name, &key.kept).await.expect("put");

    let issued = issued_by(&app, &key.secret, &id.to_string()).await;
    let url = issued["credentials"][0]["credential_url"].as_str().expect("an address").to_owned();
    let body = json!({ "url": url });
    let answer = world.call_as(&key.secret, "POST", "/verify", Some(&body)).await.expect(200);
    assert_eq!(answer.json()["verified"], true, "{}", answer.text());

    // A process that is given another key cannot sign, and says no more than that.
    let stranger = world.stack.app();
    let refused = issued_by(stranger, &key.secret, &id.to_string()).await;
    assert_eq!((&refused["http"], &refused["code"]), (&json!(500), &json!("internal")));
}

#[test]
fn a_key_file_is_its_owners_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("signing.key");
    Vault::make_file(&file).expect("made");
    let first = fs::read(&file).expect("read");
    Vault::make_file(&file).expect("it is there");
    assert_eq!(fs::read(&file).expect("read"), first, "the file keeps its key");
    assert_eq!(fs::metadata(&file).expect("metadata").permissions().mode() & 0o777, 0o600);
    Vault::of_file(&file).expect("a vault");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("set");
    let refused = Vault::of_file(&file).expect_err("open to others").to_string();
    assert!(refused.contains("0600") && refused.contains("signing.key"), "{refused}");
    for text in ["", "x", "c2hvcnQ="] {
        assert!(Vault::of_text(text).is_err(), "{text}");
    }
}
