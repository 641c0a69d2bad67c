//! Images in the catalog table: `ORG#{org}` / `IMG#{hash}`, never changed.

use serde::{Deserialize, Serialize};

use super::{
    Item, StoreError,
    catalog::{Catalog, org_pk},
    key,
};
use crate::domain::image::{Image, ImageId, ImageKind};

/// An image as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ImageItem {
    v: u32,
    image: Image,
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "serde_bytes")]
    png: Vec<u8>,
    /// The file of a drawing, which has no `png`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "serde_bytes")]
    svg: Vec<u8>,
}

impl Catalog {
    /// Stores an image under its hash. Safe to repeat.
    pub async fn put_image(&self, image: &Image, file: &[u8]) -> Result<(), StoreError> {
        let (png, svg) = match image.kind {
            ImageKind::Png => (file.to_vec(), Vec::new()),
            ImageKind::Svg => (Vec::new(), file.to_vec()),
        };
        let item = ImageItem { v: 1, image: image.clone(), png, svg };
        self.put(image_key(&image.id), &item).await
    }

    /// Reads an image and its file.
    pub async fn image(&self, id: &ImageId) -> Result<Option<(Image, Vec<u8>)>, StoreError> {
        let item: Option<ImageItem> = self.get(image_key(id)).await?;
        Ok(item.map(|item| match item.image.kind {
            ImageKind::Png => (item.image, item.png),
            ImageKind::Svg => (item.image, item.svg),
        }))
    }
}

fn image_key(id: &ImageId) -> Item {
    key(org_pk(&id.org), format!("IMG#{}", id.hash()))
}
