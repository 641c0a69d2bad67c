//! The routes of the service: the endpoint that answers each, the keys that open it, and the query
//! parameters that it takes. `infra/check_template.py` compares them with `template.yaml`,
//! `infra/check_docs.py` with `docs/api.md`.
//!
//! A function matches the enum of its endpoints exhaustively, so a route without an answer does
//! not compile. The scopes of a route stand here alone: [`serve`](crate::http::serve) checks the
//! parameters, [`auth`](crate::api::auth) the key.

use crate::{
    domain::api_key::Scope,
    http::parameters::{
        CURSOR, DRY_RUN, EMAIL, ENCODING, EXTERNAL_ID, FORMAT, INTERACTION, ISSUED_AFTER, JOB_ID,
        LANG, LIMIT, Parameter, Q, SAMPLE, STATUS, TEMPLATE_ID, VERSION,
    },
};

/// The Lambda functions that answer HTTP, each with its endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `issue`.
    Issue(Issue),
    /// `jobs`.
    Jobs(Jobs),
    /// `amend`.
    Amend(Amend),
    /// `catalog`.
    Catalog(Catalog),
    /// `page`; it also answers every path that is no route.
    Page(Page),
    /// `render`.
    Render(Render),
    /// `claim`.
    Claim(Claim),
}

impl Function {
    /// Returns the name, as deployed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Issue(_) => "issue",
            Self::Jobs(_) => "jobs",
            Self::Amend(_) => "amend",
            Self::Catalog(_) => "catalog",
            Self::Page(_) => "page",
            Self::Render(_) => "render",
            Self::Claim(_) => "claim",
        }
    }
}

/// The endpoints of the function `issue`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issue {
    /// Issues one recipient at once, or accepts many as a job.
    Submit,
}

/// The endpoints of the function `jobs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jobs {
    /// Lists jobs, newest first.
    List,
    /// Shows a job and its progress.
    Show,
    /// Lists the outcomes of a job's rows.
    Results,
    /// Returns a link to the results as a file.
    ResultsFile,
    /// Orders the certificates of a job as an archive.
    OrderCertificates,
    /// Shows how far that is, with links to it.
    ShowCertificates,
    /// Runs the failed rows of a job again.
    Retry,
    /// Cancels a job.
    Cancel,
    /// Sends the mail of a credential again.
    Resend,
    /// Announces a file and returns the URL that takes it.
    CreateUpload,
    /// Announces a file of members and returns the URL that takes it.
    CreateMembersUpload,
    /// Shows an upload.
    ShowUpload,
}

/// The endpoints of the function `amend`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amend {
    /// Revokes a list of credentials as a job.
    RevokeMany,
    /// Corrects a credential.
    Correct,
    /// Renews a credential.
    Renew,
    /// Revokes a credential.
    Revoke,
    /// Suspends a credential.
    Suspend,
    /// Reinstates a suspended credential.
    Reinstate,
    /// Erases a credential as a job.
    EraseCredential,
    /// Erases a person as a job.
    ErasePerson,
    /// Hides a credential.
    Block,
    /// Shows a hidden credential again.
    Unblock,
    /// Puts what is held about a person into an archive, as a job.
    ExportPerson,
    /// Lists the signing keys.
    ListSigningKeys,
    /// Replaces the key that signs.
    RotateSigningKey,
    /// Declares a retired key compromised.
    CompromiseSigningKey,
    /// Begins a status list.
    BeginStatusList,
}

/// The endpoints of the function `catalog`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Catalog {
    /// Lists templates.
    ListTemplates,
    /// Creates a template.
    CreateTemplate,
    /// Shows a template.
    ShowTemplate,
    /// Replaces the definition of a template.
    PutTemplate,
    /// Archives a template.
    ArchiveTemplate,
    /// Tells what a template lacks for a rich badge.
    TemplateReadiness,
    /// Returns an example of the files that a template takes.
    TemplateCsv,
    /// Shows how the columns of a template's files are read.
    ShowColumnMap,
    /// Remembers how they are read.
    PutColumnMap,
    /// Forgets it.
    DeleteColumnMap,
    /// Lists credentials, newest first.
    ListCredentials,
    /// Shows a credential and its history.
    ShowCredential,
    /// Shows the mail of a test credential.
    TestMail,
    /// Verifies a document.
    Verify,
    /// Lists members.
    ListMembers,
    /// Imports the members of a file.
    ImportMembers,
    /// Shows a member.
    ShowMember,
    /// Creates or replaces a member.
    PutMember,
    /// Deletes a member.
    DeleteMember,
    /// Lists the credentials of a member.
    MemberCredentials,
    /// Lists the suppressed addresses.
    ListSuppressions,
    /// Removes an address from the suppression list.
    RemoveSuppression,
    /// Lists API keys.
    ListApiKeys,
    /// Creates an API key.
    CreateApiKey,
    /// Revokes an API key.
    RevokeApiKey,
    /// Says whose key the caller's is.
    ShowOwnKey,
    /// Shows the organization.
    ShowOrganization,
    /// Replaces the settings of the organization.
    PutOrganization,
    /// Shows the design of the organization's certificates.
    ShowDesign,
    /// Replaces the design of the organization's certificates.
    PutDesign,
}

/// The endpoints of the function `page`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// Serves a status list.
    StatusList,
    /// Serves the DID document of an organization.
    DidDocument,
    /// Serves the DID document of its test credentials.
    TestDidDocument,
    /// Serves the DID document of the site.
    SiteDidDocument,
    /// Shows an achievement, or serves it as JSON.
    Achievement,
    /// Serves an image of an organization.
    Image,
    /// Shows the form that checks a credential.
    VerifyForm,
    /// Checks what the form was sent with.
    VerifyFile,
    /// Shows the wallet of a member.
    Wallet,
    /// Tells crawlers where they may go.
    Robots,
    /// Shows the console.
    Console,
    /// Draws the address of a credential as a QR code.
    QrCode,
    /// Shows a credential, or serves its signed document, or tells a wallet how to fetch it.
    Credential,
    /// Hands a credential to a wallet.
    Exchange,
    /// Says whose site this is.
    Home,
    /// Serves the site's icon.
    Favicon,
    /// Says whom to tell about a vulnerability.
    SecurityTxt,
    /// Describes the API in OpenAPI.
    OpenApi,
}

/// The endpoints of the function `render`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Render {
    /// Draws the certificate as PDF.
    Certificate,
    /// Bakes the credential into its badge.
    Badge,
    /// Bakes it into its badge as a drawing.
    BadgeDrawing,
    /// Draws the preview of a link.
    Preview,
    /// Draws the seal of an achievement.
    Seal,
    /// Draws a sample of a template's certificates.
    Sample,
}

/// The endpoints of the function `claim`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Shows the form that asks for the links to one's wallets.
    WalletForm,
    /// Queues a mail with them.
    WalletMail,
}

/// The endpoints of one function: it serves these and no others.
pub trait Endpoints: Copy {
    /// Returns the endpoint if it is one of this function.
    fn of(function: Function) -> Option<Self>;
}

/// Implements [`Endpoints`] for the enum of each function.
macro_rules! endpoints {
    ($($name:ident)*) => {
        $(impl Endpoints for $name {
            fn of(function: Function) -> Option<Self> {
                match function {
                    Function::$name(endpoint) => Some(endpoint),
                    _ => None,
                }
            }
        })*
    };
}

endpoints! { Issue Jobs Amend Catalog Page Render Claim }

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Method.
    pub method: &'static str,
    /// Path, its parameter in braces.
    pub path: &'static str,
    /// The function, and its endpoint that answers.
    pub function: Function,
    /// Who may call it.
    pub access: Access,
    /// The query parameters that it takes. With a key, any other is refused.
    pub parameters: &'static [Parameter],
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// A key with at least one of these scopes.
    Key {
        /// The scopes, the one that an answer names as lacking first.
        any_of: &'static [Scope],
        /// Whether a test key is refused: the route changes what both modes share.
        live_only: bool,
    },
}

const ISSUE: Scope = Scope::Issue;
const READ: Scope = Scope::Read;
const CATALOG: Scope = Scope::Catalog;
const MANAGE: Scope = Scope::Manage;
const ADMIN: Scope = Scope::Admin;

/// Parameters of every list.
const PAGE: &[Parameter] = &[LIMIT, CURSOR];
/// Parameters of the list of credentials.
const CREDENTIALS: &[Parameter] =
    &[Q, TEMPLATE_ID, JOB_ID, EMAIL, EXTERNAL_ID, STATUS, ISSUED_AFTER, LIMIT, CURSOR];

/// A route for anyone.
const fn public(
    method: &'static str,
    path: &'static str,
    function: Function,
    parameters: &'static [Parameter],
) -> Route {
    Route { method, path, function, access: Access::Public, parameters }
}

/// A route for keys with one of these scopes; what it changes has the key's mode.
const fn keyed(
    method: &'static str,
    path: &'static str,
    function: Function,
    any_of: &'static [Scope],
    parameters: &'static [Parameter],
) -> Route {
    let access = Access::Key { any_of, live_only: false };
    Route { access, ..public(method, path, function, parameters) }
}

/// A route for live keys with one of these scopes: it changes what both modes share.
const fn live(
    method: &'static str,
    path: &'static str,
    function: Function,
    any_of: &'static [Scope],
    parameters: &'static [Parameter],
) -> Route {
    let access = Access::Key { any_of, live_only: true };
    Route { access, ..public(method, path, function, parameters) }
}

/// All routes, one a line: `infra/check_template.py` and `infra/check_docs.py` read them here.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    keyed("POST", "/api/v1/credentials/issue", Function::Issue(Issue::Submit), &[ISSUE], &[DRY_RUN]),
    keyed("GET", "/api/v1/jobs", Function::Jobs(Jobs::List), &[READ, ISSUE], PAGE),
    keyed("GET", "/api/v1/jobs/{job_id}", Function::Jobs(Jobs::Show), &[READ, ISSUE, CATALOG], &[]),
    keyed("GET", "/api/v1/jobs/{job_id}/results", Function::Jobs(Jobs::Results), &[READ, ISSUE, CATALOG], &[STATUS, LIMIT, CURSOR]),
    keyed("GET", "/api/v1/jobs/{job_id}/results/file", Function::Jobs(Jobs::ResultsFile), &[READ, ISSUE, CATALOG], &[FORMAT]),
    keyed("POST", "/api/v1/jobs/{job_id}/certificates", Function::Jobs(Jobs::OrderCertificates), &[READ], &[LANG]),
    keyed("GET", "/api/v1/jobs/{job_id}/certificates", Function::Jobs(Jobs::ShowCertificates), &[READ], &[LANG]),
    keyed("POST", "/api/v1/jobs/{job_id}/retry", Function::Jobs(Jobs::Retry), &[MANAGE], &[]),
    keyed("POST", "/api/v1/jobs/{job_id}/cancel", Function::Jobs(Jobs::Cancel), &[MANAGE], &[]),
    keyed("POST", "/api/v1/credentials/{credential_id}/resend", Function::Jobs(Jobs::Resend), &[MANAGE], &[]),
    keyed("POST", "/api/v1/uploads", Function::Jobs(Jobs::CreateUpload), &[ISSUE], &[]),
    live("POST", "/api/v1/members/uploads", Function::Jobs(Jobs::CreateMembersUpload), &[CATALOG], &[]),
    keyed("GET", "/api/v1/uploads/{upload_id}", Function::Jobs(Jobs::ShowUpload), &[READ, ISSUE, CATALOG], &[]),
    keyed("POST", "/api/v1/credentials/revoke", Function::Amend(Amend::RevokeMany), &[MANAGE], &[]),
    keyed("PATCH", "/api/v1/credentials/{credential_id}", Function::Amend(Amend::Correct), &[MANAGE], &[]),
    keyed("POST", "/api/v1/credentials/{credential_id}/renew", Function::Amend(Amend::Renew), &[MANAGE], &[]),
    keyed("POST", "/api/v1/credentials/{credential_id}/revoke", Function::Amend(Amend::Revoke), &[MANAGE], &[]),
    keyed("POST", "/api/v1/credentials/{credential_id}/suspend", Function::Amend(Amend::Suspend), &[MANAGE], &[]),
    keyed("POST", "/api/v1/credentials/{credential_id}/reinstate", Function::Amend(Amend::Reinstate), &[MANAGE], &[]),
    live("POST", "/api/v1/credentials/{credential_id}/erase", Function::Amend(Amend::EraseCredential), &[MANAGE], &[]),
    live("POST", "/api/v1/people/erase", Function::Amend(Amend::ErasePerson), &[MANAGE], &[]),
    keyed("POST", "/api/v1/credentials/{credential_id}/block", Function::Amend(Amend::Block), &[MANAGE], &[]),
    keyed("POST", "/api/v1/credentials/{credential_id}/unblock", Function::Amend(Amend::Unblock), &[MANAGE], &[]),
    live("GET", "/api/v1/people/{email}/export", Function::Amend(Amend::ExportPerson), &[MANAGE], &[]),
    keyed("GET", "/api/v1/signing-keys", Function::Amend(Amend::ListSigningKeys), &[ADMIN], &[]),
    keyed("POST", "/api/v1/signing-keys", Function::Amend(Amend::RotateSigningKey), &[ADMIN], &[]),
    keyed("POST", "/api/v1/signing-keys/{multikey}/compromise", Function::Amend(Amend::CompromiseSigningKey), &[ADMIN], &[]),
    keyed("POST", "/api/v1/status-lists", Function::Amend(Amend::BeginStatusList), &[ADMIN], &[]),
    keyed("GET", "/api/v1/templates", Function::Catalog(Catalog::ListTemplates), &[READ, ISSUE, CATALOG], &[Q, LIMIT, CURSOR]),
    live("POST", "/api/v1/templates", Function::Catalog(Catalog::CreateTemplate), &[CATALOG], &[]),
    keyed("GET", "/api/v1/templates/{template_id}", Function::Catalog(Catalog::ShowTemplate), &[READ, ISSUE, CATALOG], &[]),
    live("PUT", "/api/v1/templates/{template_id}", Function::Catalog(Catalog::PutTemplate), &[CATALOG], &[]),
    live("POST", "/api/v1/templates/{template_id}/archive", Function::Catalog(Catalog::ArchiveTemplate), &[CATALOG], &[]),
    keyed("GET", "/api/v1/templates/{template_id}/readiness", Function::Catalog(Catalog::TemplateReadiness), &[READ, ISSUE, CATALOG], &[]),
    keyed("GET", "/api/v1/templates/{template_id}/csv", Function::Catalog(Catalog::TemplateCsv), &[READ, ISSUE, CATALOG], &[FORMAT]),
    keyed("POST", "/api/v1/templates/{template_id}/preview", Function::Render(Render::Sample), &[CATALOG, ISSUE], &[SAMPLE, LANG]),
    keyed("GET", "/api/v1/templates/{template_id}/column-map", Function::Catalog(Catalog::ShowColumnMap), &[READ, ISSUE, CATALOG], &[]),
    live("PUT", "/api/v1/templates/{template_id}/column-map", Function::Catalog(Catalog::PutColumnMap), &[CATALOG], &[]),
    live("DELETE", "/api/v1/templates/{template_id}/column-map", Function::Catalog(Catalog::DeleteColumnMap), &[CATALOG], &[]),
    keyed("GET", "/api/v1/credentials", Function::Catalog(Catalog::ListCredentials), &[READ], CREDENTIALS),
    keyed("GET", "/api/v1/credentials/{credential_id}", Function::Catalog(Catalog::ShowCredential), &[READ], &[]),
    keyed("GET", "/api/v1/credentials/{credential_id}/mail", Function::Catalog(Catalog::TestMail), &[READ], &[]),
    keyed("GET", "/api/v1/members", Function::Catalog(Catalog::ListMembers), &[READ, CATALOG], PAGE),
    live("POST", "/api/v1/members/import", Function::Catalog(Catalog::ImportMembers), &[CATALOG], &[DRY_RUN, ENCODING]),
    keyed("GET", "/api/v1/members/{email}", Function::Catalog(Catalog::ShowMember), &[READ, CATALOG], &[]),
    live("PUT", "/api/v1/members/{email}", Function::Catalog(Catalog::PutMember), &[CATALOG], &[]),
    live("DELETE", "/api/v1/members/{email}", Function::Catalog(Catalog::DeleteMember), &[CATALOG], &[]),
    keyed("GET", "/api/v1/members/{email}/credentials", Function::Catalog(Catalog::MemberCredentials), &[READ, CATALOG], PAGE),
    keyed("GET", "/api/v1/suppressions", Function::Catalog(Catalog::ListSuppressions), &[READ], PAGE),
    keyed("DELETE", "/api/v1/suppressions/{email}", Function::Catalog(Catalog::RemoveSuppression), &[MANAGE], &[]),
    keyed("GET", "/api/v1/api-keys", Function::Catalog(Catalog::ListApiKeys), &[ADMIN], PAGE),
    keyed("POST", "/api/v1/api-keys", Function::Catalog(Catalog::CreateApiKey), &[ADMIN], &[]),
    keyed("DELETE", "/api/v1/api-keys/{key_id}", Function::Catalog(Catalog::RevokeApiKey), &[ADMIN], &[]),
    keyed("GET", "/api/v1/key", Function::Catalog(Catalog::ShowOwnKey), &[ISSUE, READ, CATALOG, MANAGE, ADMIN], &[]),
    keyed("GET", "/api/v1/organization", Function::Catalog(Catalog::ShowOrganization), &[READ, ADMIN], &[]),
    live("PUT", "/api/v1/organization", Function::Catalog(Catalog::PutOrganization), &[ADMIN], &[]),
    keyed("GET", "/api/v1/organization/design", Function::Catalog(Catalog::ShowDesign), &[READ, CATALOG, ADMIN], &[]),
    live("PUT", "/api/v1/organization/design", Function::Catalog(Catalog::PutDesign), &[ADMIN], &[]),
    keyed("POST", "/api/v1/verify", Function::Catalog(Catalog::Verify), &[ISSUE, READ, CATALOG, MANAGE, ADMIN], &[]),
    public("GET", "/status/{list_id}", Function::Page(Page::StatusList), &[]),
    public("GET", "/orgs/{org}/did.json", Function::Page(Page::DidDocument), &[]),
    public("GET", "/orgs/{org}/test/did.json", Function::Page(Page::TestDidDocument), &[]),
    public("GET", "/orgs/{org}/achievements/{template_id}", Function::Page(Page::Achievement), &[LANG, VERSION]),
    public("GET", "/.well-known/did.json", Function::Page(Page::SiteDidDocument), &[]),
    public("GET", "/images/{image}", Function::Page(Page::Image), &[]),
    public("GET", "/verify", Function::Page(Page::VerifyForm), &[LANG]),
    public("POST", "/verify", Function::Page(Page::VerifyFile), &[LANG]),
    public("GET", "/wallet", Function::Claim(Claim::WalletForm), &[LANG]),
    public("POST", "/wallet", Function::Claim(Claim::WalletMail), &[LANG]),
    public("GET", "/wallet/{token}", Function::Page(Page::Wallet), &[LANG, CURSOR]),
    public("GET", "/robots.txt", Function::Page(Page::Robots), &[]),
    public("GET", "/console", Function::Page(Page::Console), &[LANG]),
    public("GET", "/credential/{credential_id}/qr.svg", Function::Page(Page::QrCode), &[]),
    public("GET", "/credential/{credential_id}/certificate.pdf", Function::Render(Render::Certificate), &[LANG]),
    public("GET", "/credential/{credential_id}/badge.png", Function::Render(Render::Badge), &[LANG]),
    public("GET", "/credential/{credential_id}/badge.svg", Function::Render(Render::BadgeDrawing), &[LANG]),
    public("GET", "/credential/{credential_id}/preview.png", Function::Render(Render::Preview), &[LANG]),
    public("GET", "/orgs/{org}/achievements/{template_id}/seal.png", Function::Render(Render::Seal), &[]),
    public("POST", "/credential/{credential_id}/exchange", Function::Page(Page::Exchange), &[]),
    public("GET", "/credential/{credential_id}", Function::Page(Page::Credential), &[LANG, VERSION, INTERACTION]),
    public("GET", "/", Function::Page(Page::Home), &[LANG]),
    public("GET", "/favicon.ico", Function::Page(Page::Favicon), &[]),
    public("GET", "/.well-known/security.txt", Function::Page(Page::SecurityTxt), &[]),
    public("GET", "/openapi.json", Function::Page(Page::OpenApi), &[]),
];
