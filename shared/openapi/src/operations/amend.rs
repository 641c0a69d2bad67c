//! The operations of the function `amend`.

use unicreda::http::routes::Amend;

use crate::{
    operation::Operation,
    schema::{null_or, of, page},
};

/// A change of one credential.
fn change(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, "Credentials", summary)
        .answers(200, "The credential", of("Credential"))
        .finds()
        .problem(410, &["erased"])
}

/// The operation of an endpoint.
pub fn of_endpoint(endpoint: Amend) -> Operation {
    match endpoint {
        Amend::RevokeMany => Operation::new(
            "revokeCredentials",
            "Credentials",
            "Revokes a list of credentials as a job",
        )
        .takes("RevokeMany")
        .idempotent()
        .accepts()
        .conflicts(),
        Amend::Correct => {
            change("correctCredential", "Corrects a credential").takes("Correction").conflicts()
        }
        Amend::Renew => change("renewCredential", "Gives a credential a later end")
            .may_take("Renewal")
            .conflicts(),
        Amend::Revoke => {
            change("revokeCredential", "Revokes a credential for good").takes("Reason").conflicts()
        }
        Amend::Suspend => change("suspendCredential", "Suspends a credential")
            .may_take("OptionalReason")
            .conflicts(),
        Amend::Reinstate => change("reinstateCredential", "Reinstates a suspended credential")
            .may_take("OptionalReason")
            .conflicts(),
        Amend::EraseCredential => {
            Operation::new("eraseCredential", "Personal data", "Erases a credential as a job")
                .takes("EraseCredential")
                .idempotent()
                .accepts()
                .finds()
        }
        Amend::ErasePerson => {
            Operation::new("erasePerson", "Personal data", "Erases a person as a job")
                .takes("ErasePerson")
                .idempotent()
                .accepts()
        }
        Amend::Block => change("blockCredential", "Hides a credential").takes("Reason"),
        Amend::Unblock => {
            change("unblockCredential", "Shows a hidden credential again").may_take("Empty")
        }
        Amend::ExportPerson => Operation::new(
            "exportPerson",
            "Personal data",
            "Puts what is held about a person into an archive, as a job",
        )
        .idempotent()
        .accepts(),
        Amend::ListSigningKeys => Operation::new(
            "listSigningKeys",
            "Signing",
            "Lists the signing keys",
        )
        .answers(200, "All keys", page(of("SigningKey"))),
        Amend::RotateSigningKey => {
            Operation::new("rotateSigningKey", "Signing", "Replaces the key that signs")
                .answers(201, "The new key", null_or(of("SigningKey")))
                .conflicts()
        }
        Amend::CompromiseSigningKey => {
            Operation::new("compromiseSigningKey", "Signing", "Declares a retired key compromised")
                .takes("Reason")
                .answers(200, "The key", of("SigningKey"))
                .finds()
                .conflicts()
        }
        Amend::BeginStatusList => Operation::new(
            "beginStatusList",
            "Signing",
            "Begins a status list",
        )
        .answers(201, "The list", of("StatusListBegun")),
    }
}
