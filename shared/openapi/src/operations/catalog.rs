//! The operations of the function `catalog`.

use unicreda::{
    document::attached::MAX_FILE,
    http::{routes::Catalog, serve::MAX_BODY},
};

use crate::{
    operation::Operation,
    schema::{file, of, one_of, page, string},
};

/// JSON, as answers are.
const JSON: &str = "application/json";
/// Spreadsheets.
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The operation of an endpoint.
#[expect(clippy::too_many_lines, reason = "a table of data")]
pub fn of_catalog(endpoint: Catalog) -> Operation {
    let template = |id, summary| Operation::new(id, "Templates", summary);
    match endpoint {
        Catalog::ListTemplates => template("listTemplates", "Lists templates").answers(
            200,
            "A page of templates",
            page(of("TemplateSummary")),
        ),
        Catalog::CreateTemplate => create_template(),
        Catalog::ShowTemplate => template("getTemplate", "Shows a template")
            .answers(200, "The template", of("Template"))
            .finds(),
        Catalog::PutTemplate => put_template(),
        Catalog::ArchiveTemplate => template("archiveTemplate", "Archives a template")
            .answers(200, "The template", of("Template"))
            .finds(),
        Catalog::TemplateReadiness => {
            template("getTemplateReadiness", "Tells what it lacks for a rich badge")
                .answers(200, "What is there, and advice", of("Readiness"))
                .finds()
        }
        Catalog::TemplateCsv => example_file(),
        Catalog::ShowColumnMap => {
            template("getColumnMap", "Shows how columns of its files are read")
                .answers(200, "What is remembered", of("RememberedColumns"))
                .finds()
        }
        Catalog::PutColumnMap => {
            template("putColumnMap", "Remembers how columns of its files are read")
                .takes("RememberColumns")
                .answers(200, "What is remembered", of("RememberedColumns"))
                .finds()
        }
        Catalog::DeleteColumnMap => {
            template("deleteColumnMap", "Forgets how columns of its files are read")
                .answers_nothing("It is forgotten")
                .finds()
        }
        Catalog::ListCredentials => list_credentials(),
        Catalog::ShowCredential => show_credential(),
        Catalog::TestMail => test_mail(),
        Catalog::Verify => verify(),
        Catalog::ListMembers => member("listMembers", "Lists members").answers(
            200,
            "A page of members",
            page(of("Member")),
        ),
        Catalog::ImportMembers => import_members(),
        Catalog::ShowMember => {
            member("getMember", "Shows a member").answers(200, "The member", of("Member")).finds()
        }
        Catalog::PutMember => put_member(),
        Catalog::DeleteMember => member("deleteMember", "Deletes a member")
            .answers_nothing("The member is deleted; credentials stay")
            .finds(),
        Catalog::MemberCredentials => {
            member("listMemberCredentials", "Lists the credentials of a member")
                .answers(
                    200,
                    "A page of credentials, and a link to the wallet",
                    of("MemberCredentials"),
                )
                .finds()
        }
        Catalog::ListSuppressions => suppression(
            "listSuppressions",
            "Lists the addresses that get no mail",
        )
        .answers(200, "A page of addresses", page(of("Suppression"))),
        Catalog::RemoveSuppression => {
            suppression("removeSuppression", "Lets an address get mail again")
                .answers_nothing("It gets mail again")
                .finds()
        }
        Catalog::ListApiKeys => {
            key("listApiKeys", "Lists API keys").answers(200, "A page of keys", page(of("ApiKey")))
        }
        Catalog::CreateApiKey => key("createApiKey", "Creates an API key")
            .takes("ApiKeyRequest")
            .answers(201, "The key, with its secret", of("NewApiKey")),
        Catalog::RevokeApiKey => key("revokeApiKey", "Revokes an API key")
            .answers_nothing("The key fails from now on")
            .finds(),
        Catalog::ShowOwnKey => key("getKey", "Says whose key this is, and what it permits")
            .answers(200, "The key that was sent", of("OwnKey")),
        Catalog::ShowOrganization => organization("getOrganization", "Shows the organization")
            .answers(200, "The organization", of("Organization")),
        Catalog::PutOrganization => organization("putOrganization", "Replaces settings")
            .takes("OrganizationSettings")
            .answers(200, "The organization", of("Organization")),
        Catalog::ShowDesign => organization("getDesign", "Shows the design of certificates")
            .answers(200, "The design", of("Design")),
        Catalog::PutDesign => organization("putDesign", "Replaces the design of certificates")
            .takes("DesignInput")
            .answers(200, "The design", of("Design"))
            .conflicts(),
    }
}

fn member(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, "Members", summary)
}

fn suppression(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, "Suppressions", summary)
}

fn key(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, "API keys", summary)
}

fn organization(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, "Organization", summary)
}

fn create_template() -> Operation {
    Operation::new("createTemplate", "Templates", "Creates a template")
        .takes("TemplateDefinition")
        .answers_with(201, "The template", &["Location"], vec![(JSON, of("Template"))])
}

fn put_template() -> Operation {
    Operation::new(
        "putTemplate",
        "Templates",
        "Replaces the definition of a template by a new version",
    )
    .takes("TemplateDefinition")
    .answers(200, "The template", of("Template"))
    .finds()
    .conflicts()
}

fn example_file() -> Operation {
    Operation::new("getTemplateFile", "Templates", "Returns an example of the files that it takes")
        .answers_with(
            200,
            "The file",
            &["Content-Disposition"],
            vec![("text/csv", string()), (XLSX, file())],
        )
        .finds()
}

fn list_credentials() -> Operation {
    let entry = one_of([of("Credential"), of("ErasedCredential")]);
    Operation::new("listCredentials", "Credentials", "Lists credentials, newest first").answers(
        200,
        "A page of credentials",
        page(entry),
    )
}

fn show_credential() -> Operation {
    let answer = one_of([of("CredentialWithHistory"), of("ErasedCredentialWithHistory")]);
    Operation::new("getCredential", "Credentials", "Shows a credential and its history")
        .answers(200, "The credential", answer)
        .finds()
}

fn test_mail() -> Operation {
    Operation::new("getTestMail", "Credentials", "Shows the mail of a test credential")
        .answers(200, "The mail", of("TestMail"))
        .finds()
        .problem(410, &["erased"])
}

fn verify() -> Operation {
    Operation::new("verify", "Verification", "Verifies a document, or a credential of this service")
        .takes_file(
            MAX_FILE,
            &["application/pdf", "image/png", "image/svg+xml"],
            Some(of("VerifyRequest")),
        )
        .answers(200, "The verdict", of("Verification"))
        .finds()
        .problem(403, &["credential_unavailable"])
        .problem(410, &["erased"])
}

fn import_members() -> Operation {
    let types = ["text/csv", "text/plain", "application/json", "application/x-ndjson"];
    Operation::new("importMembers", "Members", "Imports the members of a file")
        .takes_file(MAX_BODY, &types, None)
        .answers(200, "What became of the rows", of("ImportedMembers"))
        .problem(413, &["too_many_recipients"])
}

fn put_member() -> Operation {
    Operation::new("putMember", "Members", "Creates or replaces a member")
        .takes("MemberProfile")
        .answers(200, "The member, replaced", of("Member"))
        .answers(201, "The member, created", of("Member"))
}
