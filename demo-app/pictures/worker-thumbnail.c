/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A small picture of a large one. What a stranger's file does to the decoder, it does to this process, which has
 * nothing that is worth having. */

#include "pictures/worker-thumbnail.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/ferry-demo-message.h"
#include "app/worker-jobs.h"

#define CHUNK_SIZE (64 * 1024)

typedef struct
{
  guint side;
  int width; /* as the file says, 0 until it has */
  int height;
  gboolean refused;
  int first_row; /* of those that have come */
  int last_row;
  gboolean cut_off;
} Picture;

/* Decoders of JPEG halve a picture while they decode it, which saves most of the work. With any other size, the loader
 * would not say which rows have come. */
static void
size_prepared_cb (GdkPixbufLoader *loader, int width, int height, Picture *picture)
{
  g_autofree char *format = gdk_pixbuf_format_get_name (gdk_pixbuf_loader_get_format (loader));
  int halving = g_str_equal (format, "jpeg") ? 8 : 1;

  picture->width = width;
  picture->height = height;
  picture->refused = width < 1 || height < 1 || (guint64) width > FERRY_DEMO_THUMBNAIL_MAX_PIXELS / (guint64) height;
  while (halving > 1 && MAX (width, height) / halving < (int) picture->side)
    halving /= 2;
  if (picture->refused)
    gdk_pixbuf_loader_set_size (loader, 0, 0);
  else if (halving > 1)
    gdk_pixbuf_loader_set_size (loader, (width + halving - 1) / halving, (height + halving - 1) / halving);
}

static void
area_updated_cb (GdkPixbufLoader *loader, int x, int y, int width, int height, Picture *picture)
{
  picture->first_row = MIN (picture->first_row, y);
  picture->last_row = MAX (picture->last_row, y + height - 1);
}

static gboolean
load_chunk (GdkPixbufLoader *loader, int descriptor, gboolean *at_end, GError **error)
{
  guint8 chunk[CHUNK_SIZE];
  ssize_t size;

  do
    size = read (descriptor, chunk, sizeof chunk);
  while (size < 0 && errno == EINTR);
  if (size < 0)
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code), _ ("The picture cannot be read: %s"),
                   g_strerror (code));
      return FALSE;
    }
  *at_end = size == 0;
  return *at_end || gdk_pixbuf_loader_write (loader, chunk, (gsize) size, error);
}

/* Decoders paint what there is, and at the end they make up what is missing, and say nothing of that. Those that begin
 * at the end of the file have no rows yet, and are not asked. */
static gboolean
is_cut_off (GdkPixbufLoader *loader, const Picture *picture)
{
  GdkPixbuf *pixbuf = gdk_pixbuf_loader_get_pixbuf (loader);

  return pixbuf != NULL && (picture->first_row > 0 || picture->last_row < gdk_pixbuf_get_height (pixbuf) - 1);
}

static gboolean
load (GdkPixbufLoader *loader, Picture *picture, int descriptor, GError **error)
{
  gboolean at_end = FALSE, good = TRUE;

  while (good && !at_end && !picture->refused)
    good = load_chunk (loader, descriptor, &at_end, error);
  picture->cut_off = is_cut_off (loader, picture);
  /* It wants to be closed after errors too, of which the first one counts. */
  return gdk_pixbuf_loader_close (loader, good ? error : NULL) && good;
}

/* Takes the pixbuf. */
static GdkPixbuf *
fit (GdkPixbuf *owned, guint side)
{
  g_autoptr (GdkPixbuf) pixbuf = owned;
  int width = gdk_pixbuf_get_width (pixbuf), height = gdk_pixbuf_get_height (pixbuf);
  double scale = (double) side / MAX (width, height);

  if (scale >= 1.0)
    return g_steal_pointer (&pixbuf);
  return gdk_pixbuf_scale_simple (pixbuf, MAX ((int) (width * scale), 1), MAX ((int) (height * scale), 1),
                                  GDK_INTERP_BILINEAR);
}

/* Errors are GIO's, which every application knows: loaders have domains of their own. */
GdkPixbuf *
ferry_demo_thumbnail_decode (int descriptor, guint side, GError **error)
{
  g_autoptr (GdkPixbufLoader) loader = gdk_pixbuf_loader_new ();
  g_autoptr (GError) failure = NULL;
  Picture picture = {.side = side, .first_row = G_MAXINT, .last_row = -1};
  GdkPixbuf *pixbuf;
  gboolean good;

  g_signal_connect (loader, "size-prepared", G_CALLBACK (size_prepared_cb), &picture);
  g_signal_connect (loader, "area-updated", G_CALLBACK (area_updated_cb), &picture);
  good = load (loader, &picture, descriptor, &failure);
  pixbuf = gdk_pixbuf_loader_get_pixbuf (loader);
  if (good && !picture.refused && pixbuf != NULL && !picture.cut_off)
    return fit (gdk_pixbuf_apply_embedded_orientation (pixbuf), side);

  if (picture.refused)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                 _ ("%d × %d pixels: only pictures of at most %d million pixels are shown"), MAX (picture.width, 0),
                 MAX (picture.height, 0), (int) (FERRY_DEMO_THUMBNAIL_MAX_PIXELS / 1000000));
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                         failure != NULL  ? failure->message
                         : pixbuf != NULL ? _ ("The file ends before the picture does")
                                          : _ ("There is no picture in the file"));
  return NULL;
}

/* ---- the function ---- */

/* A thumbnail of the size that the variable says ends its worker as well. */
static void
crash_where_asked (GdkPixbuf *pixbuf, gboolean crashes)
{
  const char *wanted = g_getenv (FERRY_DEMO_CRASH_SIZE);
  g_autofree char *size = g_strdup_printf ("%dx%d", gdk_pixbuf_get_width (pixbuf), gdk_pixbuf_get_height (pixbuf));

  if (crashes || g_strcmp0 (wanted, size) == 0)
    abort ();
}

GVariant *
worker_thumbnail (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GdkPixbuf) pixbuf = NULL, with_opacity = NULL;
  g_autoptr (GBytes) pixels = NULL;
  gboolean crashes;
  gint32 handle;
  guint side;
  int fd;

  g_variant_get (arguments, "(hub)", &handle, &side, &crashes);
  fd = ferry_job_dup_descriptor (job, handle, error);
  if (fd < 0)
    return NULL;
  pixbuf = ferry_demo_thumbnail_decode (fd, side, error);
  g_close (fd, NULL);
  if (pixbuf == NULL)
    return NULL;

  crash_where_asked (pixbuf, crashes);
  /* With opacity, rows follow each other without a gap. */
  with_opacity = gdk_pixbuf_add_alpha (pixbuf, FALSE, 0, 0, 0);
  pixels = gdk_pixbuf_read_pixel_bytes (with_opacity);
  return g_variant_new ("((uuus)@ay)", (guint) gdk_pixbuf_get_width (with_opacity),
                        (guint) gdk_pixbuf_get_height (with_opacity), (guint) gdk_pixbuf_get_rowstride (with_opacity),
                        "r8g8b8a8", g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, pixels, /* trusted: */ TRUE));
}
