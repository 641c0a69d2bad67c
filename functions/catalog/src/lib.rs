//! The function `catalog`: manages templates, members, API keys, the organization and
//! suppressions, and shows and verifies credentials.

use lambda_http::{Body, Request, Response};
use unicreda::{
    App,
    api::{
        api_keys, column_maps, credentials, designs, member_import, members, organization,
        suppressions, templates, verify,
    },
    http::{routes::Catalog, serve},
};

/// Answers a request to the catalog.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    serve::serve(app, request, |endpoint, call| async move {
        match endpoint {
            Catalog::ListTemplates => templates::list(app, &call).await,
            Catalog::CreateTemplate => templates::create(app, &call).await,
            Catalog::ShowTemplate => templates::show(app, &call).await,
            Catalog::PutTemplate => templates::put(app, &call).await,
            Catalog::ArchiveTemplate => templates::archive(app, &call).await,
            Catalog::TemplateReadiness => templates::readiness(app, &call).await,
            Catalog::TemplateCsv => templates::csv(app, &call).await,
            Catalog::ShowColumnMap => column_maps::show(app, &call).await,
            Catalog::PutColumnMap => column_maps::put(app, &call).await,
            Catalog::DeleteColumnMap => column_maps::delete(app, &call).await,
            Catalog::ListCredentials => credentials::list(app, &call).await,
            Catalog::ShowCredential => credentials::show(app, &call).await,
            Catalog::TestMail => credentials::test_mail(app, &call).await,
            Catalog::Verify => verify::verify(app, &call).await,
            Catalog::ListMembers => members::list(app, &call).await,
            Catalog::ImportMembers => member_import::import(app, &call).await,
            Catalog::ShowMember => members::show(app, &call).await,
            Catalog::PutMember => members::put(app, &call).await,
            Catalog::DeleteMember => members::delete(app, &call).await,
            Catalog::MemberCredentials => members::list_credentials(app, &call).await,
            Catalog::ListSuppressions => suppressions::list(app, &call).await,
            Catalog::RemoveSuppression => suppressions::remove(app, &call).await,
            Catalog::ListApiKeys => api_keys::list(app, &call).await,
            Catalog::CreateApiKey => api_keys::create(app, &call).await,
            Catalog::RevokeApiKey => api_keys::revoke(app, &call).await,
            Catalog::ShowOwnKey => api_keys::show_own(app, &call).await,
            Catalog::ShowOrganization => organization::show(app, &call).await,
            Catalog::PutOrganization => organization::put(app, &call).await,
            Catalog::ShowDesign => designs::show(app, &call).await,
            Catalog::PutDesign => designs::put(app, &call).await,
        }
    })
    .await
}
