//! The pictures of a certificate: the organization's logo, the achievement's badge, those of its design.

use futures::future::try_join_all;
use unicreda::{
    App,
    domain::{
        design::Design,
        image::{Image, ImageKind},
        picture::Png,
    },
    store::StoreError,
};

/// A picture that can be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// PNG, or SVG as `unicreda::domain::svg` writes it.
    pub kind: ImageKind,
    /// The file.
    pub file: Vec<u8>,
}

/// The pictures that a design names.
#[derive(Debug, Default)]
pub struct DesignPictures {
    /// The picture behind the texts; [`Design::backdrop`] says how it lies.
    pub backdrop: Option<Picture>,
    /// Those of [`Design::signatories`], in their order.
    pub signatures: Vec<Option<Picture>>,
}

impl DesignPictures {
    /// Reads the pictures of a design, those that a request brought excepted.
    ///
    /// # Errors
    /// [`StoreError`] of the reads.
    pub async fn read(
        app: &App,
        design: &Design,
        brought: &[(Image, Vec<u8>)],
    ) -> Result<Self, StoreError> {
        let backdrop = design.backdrop.as_ref().map(|backdrop| &backdrop.image);
        let signatures = design.signatories.iter().map(|s| s.signature.as_ref());
        let reads = std::iter::once(backdrop).chain(signatures);
        let mut read =
            try_join_all(reads.map(|image| picture(app, image, brought))).await?.into_iter();
        Ok(Self { backdrop: read.next().flatten(), signatures: read.collect() })
    }
}

/// The picture of an image, without what does not draw. `None` for one that cannot be drawn: a
/// credential is shown without its decoration, and not refused because of it.
pub async fn picture(
    app: &App,
    image: Option<&Image>,
    brought: &[(Image, Vec<u8>)],
) -> Result<Option<Picture>, StoreError> {
    let Some(image) = image else {
        return Ok(None);
    };
    let file = match brought.iter().find(|(known, _)| known == image) {
        Some((_, file)) => Some(file.clone()),
        None => app.catalog.image(&image.id).await?.map(|(_, file)| file),
    };
    let Some(file) = file else {
        return Ok(None);
    };
    let kind = image.kind;
    if kind == ImageKind::Svg {
        return Ok(Some(Picture { kind, file }));
    }
    match Png::kept(&file) {
        Ok(png) => Ok(Some(Picture { kind, file: png.into_bytes() })),
        Err(error) => {
            tracing::error!(%error, image_id = %image.id, "image not drawn");
            Ok(None)
        }
    }
}
