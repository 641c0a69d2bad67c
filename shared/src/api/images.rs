//! The images that a request brings: a template's badge, an organization's logo.

use crate::{
    app::App,
    domain::{
        ids::OrgId,
        image::{Image, ImageInput},
    },
    http::problem::Problem,
};

/// Stores the image that a request brings, or finds the one that it names; `None` if it asks for
/// none. An image is stored under its hash, so it is safe to store it again, and harmless if the
/// request fails later.
///
/// # Errors
/// `invalid_request` when the organization has no image of that id; those of the store.
pub async fn store(
    app: &App,
    org: &OrgId,
    given: &ImageInput,
    pointer: &str,
) -> Result<Option<Image>, Problem> {
    match given {
        ImageInput::Absent | ImageInput::None => Ok(None),
        ImageInput::New(png) => {
            let image = png.named(org);
            app.catalog.put_image(&image, png.bytes()).await?;
            Ok(Some(image))
        }
        ImageInput::Known(id) => match app.catalog.image(id).await?.filter(|_| id.org == *org) {
            Some((image, _)) => Ok(Some(image)),
            None => Err(Problem::invalid_request(vec![ImageInput::unknown(pointer)])),
        },
    }
}
