/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pictures/ferry-demo-thumbnail.h"

#include <string.h>

struct _FerryDemoThumbnail
{
  GObject parent_instance;

  char *path;
  char *name;
  char *key; /* that names are compared by */
  FerryDemoThumbnailState state;
  gboolean tried;
  GdkTexture *texture; /* (nullable) */
  char *reason;        /* (nullable) */
};

typedef enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
} FerryDemoThumbnailSignal;

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryDemoThumbnail, ferry_demo_thumbnail, G_TYPE_OBJECT)

static void
set_state (FerryDemoThumbnail *self, FerryDemoThumbnailState state)
{
  self->state = state;
  self->tried |= state == FERRY_DEMO_THUMBNAIL_STATE_SHOWN || state == FERRY_DEMO_THUMBNAIL_STATE_BROKEN;
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static void
ferry_demo_thumbnail_finalize (GObject *object)
{
  FerryDemoThumbnail *self = FERRY_DEMO_THUMBNAIL (object);

  g_clear_object (&self->texture);
  g_free (self->path);
  g_free (self->name);
  g_free (self->key);
  g_free (self->reason);
  G_OBJECT_CLASS (ferry_demo_thumbnail_parent_class)->finalize (object);
}

static void
ferry_demo_thumbnail_class_init (FerryDemoThumbnailClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_demo_thumbnail_finalize;

  signals[SIGNAL_CHANGED] =
    g_signal_new ("changed", FERRY_DEMO_TYPE_THUMBNAIL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ferry_demo_thumbnail_init (FerryDemoThumbnail *self)
{
}

FerryDemoThumbnail *
ferry_demo_thumbnail_new (const char *path)
{
  FerryDemoThumbnail *self = g_object_new (FERRY_DEMO_TYPE_THUMBNAIL, NULL);

  self->path = g_strdup (path);
  self->name = g_filename_display_basename (path);
  self->key = g_utf8_collate_key_for_filename (self->name, -1);
  return self;
}

const char *
ferry_demo_thumbnail_get_path (FerryDemoThumbnail *self)
{
  return self->path;
}

const char *
ferry_demo_thumbnail_get_name (FerryDemoThumbnail *self)
{
  return self->name;
}

int
ferry_demo_thumbnail_compare (FerryDemoThumbnail *self, FerryDemoThumbnail *other)
{
  int order = strcmp (self->key, other->key);

  return order != 0 ? order : strcmp (self->path, other->path);
}

FerryDemoThumbnailState
ferry_demo_thumbnail_get_state (FerryDemoThumbnail *self)
{
  return self->state;
}

GdkTexture *
ferry_demo_thumbnail_get_texture (FerryDemoThumbnail *self)
{
  return self->texture;
}

const char *
ferry_demo_thumbnail_get_reason (FerryDemoThumbnail *self)
{
  return self->reason;
}

gboolean
ferry_demo_thumbnail_is_tried (FerryDemoThumbnail *self)
{
  return self->tried;
}

void
ferry_demo_thumbnail_wait (FerryDemoThumbnail *self)
{
  g_return_if_fail (self->state != FERRY_DEMO_THUMBNAIL_STATE_BROKEN);

  g_clear_object (&self->texture);
  set_state (self, FERRY_DEMO_THUMBNAIL_STATE_WAITING);
}

void
ferry_demo_thumbnail_decode (FerryDemoThumbnail *self)
{
  g_return_if_fail (self->state == FERRY_DEMO_THUMBNAIL_STATE_WAITING);

  set_state (self, FERRY_DEMO_THUMBNAIL_STATE_DECODING);
}

void
ferry_demo_thumbnail_show (FerryDemoThumbnail *self, GdkTexture *texture)
{
  g_return_if_fail (self->state == FERRY_DEMO_THUMBNAIL_STATE_DECODING);

  g_set_object (&self->texture, texture);
  set_state (self, FERRY_DEMO_THUMBNAIL_STATE_SHOWN);
}

void
ferry_demo_thumbnail_break (FerryDemoThumbnail *self, const char *reason)
{
  g_return_if_fail (self->state == FERRY_DEMO_THUMBNAIL_STATE_DECODING);

  self->reason = g_strdup (reason);
  set_state (self, FERRY_DEMO_THUMBNAIL_STATE_BROKEN);
}
