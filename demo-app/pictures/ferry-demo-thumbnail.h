/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* A picture of a folder: its file, and as far as it was decoded, its thumbnail or the reason why there is none.
 *
 * A thumbnail can be dropped to save memory; the picture then waits to be decoded once more. A broken picture stays
 * broken.
 *
 * Signal "changed": the state is another one. */

typedef enum
{
  FERRY_DEMO_THUMBNAIL_STATE_WAITING,
  FERRY_DEMO_THUMBNAIL_STATE_DECODING,
  FERRY_DEMO_THUMBNAIL_STATE_SHOWN,
  FERRY_DEMO_THUMBNAIL_STATE_BROKEN,
} FerryDemoThumbnailState;

#define FERRY_DEMO_TYPE_THUMBNAIL (ferry_demo_thumbnail_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoThumbnail, ferry_demo_thumbnail, FERRY_DEMO, THUMBNAIL, GObject)

FerryDemoThumbnail *ferry_demo_thumbnail_new (const char *path) G_GNUC_WARN_UNUSED_RESULT;
const char *ferry_demo_thumbnail_get_path (FerryDemoThumbnail *self);
/* What is shown of the path, in UTF-8. */
const char *ferry_demo_thumbnail_get_name (FerryDemoThumbnail *self);
/* As files are sorted by their names. */
int ferry_demo_thumbnail_compare (FerryDemoThumbnail *self, FerryDemoThumbnail *other);

FerryDemoThumbnailState ferry_demo_thumbnail_get_state (FerryDemoThumbnail *self);
/* (nullable): only of a picture that is shown. */
GdkTexture *ferry_demo_thumbnail_get_texture (FerryDemoThumbnail *self);
/* (nullable): only of a broken picture. */
const char *ferry_demo_thumbnail_get_reason (FerryDemoThumbnail *self);
/* Whether it was shown once, or is broken. */
gboolean ferry_demo_thumbnail_is_tried (FerryDemoThumbnail *self);

void ferry_demo_thumbnail_wait (FerryDemoThumbnail *self);
void ferry_demo_thumbnail_decode (FerryDemoThumbnail *self);
void ferry_demo_thumbnail_show (FerryDemoThumbnail *self, GdkTexture *texture);
void ferry_demo_thumbnail_break (FerryDemoThumbnail *self, const char *reason);

G_END_DECLS
