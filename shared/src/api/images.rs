//! The images that a request brings: a template's badge, an organization's logo, the pictures of a design.

use crate::{
    app::App,
    domain::{
        design::{DesignPart, Slot, SlotImage},
        ids::OrgId,
        image::{Image, ImageId, ImageInput, ImageKind},
    },
    http::problem::Problem,
    store::StoreError,
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
        ImageInput::New(_) | ImageInput::Drawing(_) => {
            let Some((image, file)) = given.file(org) else { return Ok(None) };
            app.catalog.put_image(&image, file).await?;
            Ok(Some(image))
        }
        ImageInput::Known(id) => match known(app, org, id).await? {
            Some((image, _)) if image.kind == ImageKind::Png => Ok(Some(image)),
            _ => Err(Problem::invalid_request(vec![ImageInput::unknown(pointer)])),
        },
    }
}

/// Reads the image of an address, if it is the organization's.
async fn known(
    app: &App,
    org: &OrgId,
    id: &ImageId,
) -> Result<Option<(Image, Vec<u8>)>, StoreError> {
    if id.org != *org {
        return Ok(None);
    }
    app.catalog.image(id).await
}

/// The pictures of a design as the body brings them: each with its file.
///
/// # Errors
/// `invalid_request` with each that the organization does not have; those of the store.
pub async fn of_design(
    app: &App,
    org: &OrgId,
    given: &[SlotImage],
) -> Result<Vec<(Slot, Image, Vec<u8>)>, Problem> {
    let mut found = Vec::with_capacity(given.len());
    let mut unknown = Vec::new();
    for SlotImage { slot, input, pointer } in given {
        let image = match input {
            ImageInput::Known(id) => known(app, org, id).await?,
            input => input.file(org).map(|(image, file)| (image, file.to_vec())),
        };
        match image {
            Some((image, file)) => found.push((*slot, image, file)),
            None => unknown.push(ImageInput::unknown(pointer)),
        }
    }
    match unknown.is_empty() {
        true => Ok(found),
        false => Err(Problem::invalid_request(unknown)),
    }
}

/// Stores the pictures that a design brings, and puts them in their places. An image is stored under its hash, before anything
/// refers to it.
///
/// # Errors
/// Those of [`of_design`] and of the store.
pub async fn store_design(
    app: &App,
    org: &OrgId,
    part: &mut DesignPart,
    given: &[SlotImage],
) -> Result<(), Problem> {
    for (slot, image, file) in of_design(app, org, given).await? {
        let is_new = given.iter().any(|g| g.slot == slot && g.input.file(org).is_some());
        if is_new {
            app.catalog.put_image(&image, &file).await?;
        }
        part.place_image(slot, image);
    }
    Ok(())
}
