/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/* The pictures of a folder and their thumbnails, decoded in an order that follows the eye. First come those that are to
 * be seen, those near them, and then all others from the first to the last. Thumbnails far from what is to be seen are
 * dropped again when there are many, and decoded once more when they come near.
 *
 * Signal "changed": a picture was tried, or the state is another one. */

typedef enum
{
  FERRY_DEMO_THUMBNAILS_STATE_NO_FOLDER,
  FERRY_DEMO_THUMBNAILS_STATE_LISTING,
  FERRY_DEMO_THUMBNAILS_STATE_LISTED,
  FERRY_DEMO_THUMBNAILS_STATE_FAILED, /* the folder cannot be read, or no worker started: see the reason */
} FerryDemoThumbnailsState;

#define FERRY_DEMO_TYPE_THUMBNAILS (ferry_demo_thumbnails_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoThumbnails, ferry_demo_thumbnails, FERRY_DEMO, THUMBNAILS, GObject)

FerryDemoThumbnails *ferry_demo_thumbnails_new (FerryRouter *router, const char *worker_path,
                                                guint max_workers) G_GNUC_WARN_UNUSED_RESULT;
/* Of the workers' sandbox, before they start. */
void ferry_demo_thumbnails_set_policy (FerryDemoThumbnails *self, FerrySandboxPolicy policy);
/* Shows another folder, or the same one anew. */
void ferry_demo_thumbnails_open (FerryDemoThumbnails *self, const char *folder);
/* Has nothing decoded any more: what is being decoded is cancelled. And goes on. It begins as one that is paused. */
void ferry_demo_thumbnails_pause (FerryDemoThumbnails *self);
void ferry_demo_thumbnails_resume (FerryDemoThumbnails *self);
/* Ends all workers, and returns when they have ended. Nothing can be opened any more. */
void ferry_demo_thumbnails_stop (FerryDemoThumbnails *self);
/* What is being decoded is broken then. */
void ferry_demo_thumbnails_kill_workers (FerryDemoThumbnails *self);
void ferry_demo_thumbnails_count_workers (FerryDemoThumbnails *self, guint *n_workers, guint *n_busy);
/* Which pictures are to be seen: n of them, from the first on. */
void ferry_demo_thumbnails_set_visible (FerryDemoThumbnails *self, guint first, guint n);

/* (element-type FerryDemoThumbnail) */
GListModel *ferry_demo_thumbnails_get_pictures (FerryDemoThumbnails *self);
FerryDemoThumbnailsState ferry_demo_thumbnails_get_state (FerryDemoThumbnails *self);
/* (nullable): why it failed. */
const char *ferry_demo_thumbnails_get_reason (FerryDemoThumbnails *self);
/* (nullable) */
const char *ferry_demo_thumbnails_get_folder (FerryDemoThumbnails *self);
guint ferry_demo_thumbnails_get_n_tried (FerryDemoThumbnails *self);
guint ferry_demo_thumbnails_get_n_broken (FerryDemoThumbnails *self);
/* Those that have a thumbnail now. */
guint ferry_demo_thumbnails_get_n_kept (FerryDemoThumbnails *self);
/* All that ever were: more than pictures where some came near again. */
guint64 ferry_demo_thumbnails_get_n_decoded (FerryDemoThumbnails *self);
guint ferry_demo_thumbnails_get_n_decoding (FerryDemoThumbnails *self);

G_END_DECLS
