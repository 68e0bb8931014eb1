/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pictures/ferry-demo-thumbnail-decode.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gi18n.h>
#include <math.h>
#include <unistd.h>

#include "pictures/ferry-demo-jpeg-end.h"
#include "pictures/ferry-demo-png-end.h"

#define CHUNK_SIZE (64 * 1024)

typedef struct
{
  guint side;
  int width; /* as the file says, 0 until it has */
  int height;
  gboolean refused;
  FerryDemoJpegEnd jpeg_end;
  FerryDemoPngEnd png_end;
} Picture;

/* A size of nothing ends the loading; any other is what decoders that can do so decode to, which saves most of the
 * work.
 */
static void
size_prepared_cb (GdkPixbufLoader *loader, int width, int height, gpointer user_data)
{
  Picture *picture = user_data;
  double scale = MIN (1.0, (double) picture->side / MAX (MAX (width, height), 1));

  picture->width = width;
  picture->height = height;
  picture->refused = width < 1 || height < 1 || (guint64) width > FERRY_DEMO_THUMBNAIL_MAX_PIXELS / (guint64) height;
  if (picture->refused)
    gdk_pixbuf_loader_set_size (loader, 0, 0);
  else
    gdk_pixbuf_loader_set_size (loader, MAX ((int) lround (width * scale), 1), MAX ((int) lround (height * scale), 1));
}

static gboolean
load_chunk (GdkPixbufLoader *loader, Picture *picture, int descriptor, gboolean *at_end, GError **error)
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
  ferry_demo_jpeg_end_look (&picture->jpeg_end, chunk, (gsize) size);
  ferry_demo_png_end_look (&picture->png_end, chunk, (gsize) size);
  return *at_end || gdk_pixbuf_loader_write (loader, chunk, (gsize) size, error);
}

static gboolean
load (GdkPixbufLoader *loader, Picture *picture, int descriptor, GError **error)
{
  gboolean at_end = FALSE, good = TRUE;

  while (good && !at_end && !picture->refused)
    good = load_chunk (loader, picture, descriptor, &at_end, error);
  /* It wants to be closed after errors too, of which the first one counts. */
  return gdk_pixbuf_loader_close (loader, good ? error : NULL) && good;
}

/* Decoders paint what there is, and say nothing of what is missing. */
static gboolean
is_cut_off (const Picture *picture)
{
  return ferry_demo_jpeg_end_is_missing (&picture->jpeg_end) || ferry_demo_png_end_is_missing (&picture->png_end);
}

static void
set_refusal (const Picture *picture, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
               "%d × %d pixels: only pictures of at most %" G_GUINT64_FORMAT " million pixels are shown",
               MAX (picture->width, 0), MAX (picture->height, 0), FERRY_DEMO_THUMBNAIL_MAX_PIXELS / 1000000);
}

/* For decoders that do not decode to a size that they are told. Takes the pixbuf. */
static GdkPixbuf *
fit (GdkPixbuf *owned, guint side)
{
  g_autoptr (GdkPixbuf) pixbuf = owned;
  int width = gdk_pixbuf_get_width (pixbuf);
  int height = gdk_pixbuf_get_height (pixbuf);
  double scale = (double) side / MAX (width, height);

  if (scale >= 1.0)
    return g_steal_pointer (&pixbuf);
  return gdk_pixbuf_scale_simple (pixbuf, MAX ((int) (width * scale), 1), MAX ((int) (height * scale), 1),
                                  GDK_INTERP_BILINEAR);
}

/* Errors are GIO's, which every application knows: loaders have domains of their own. */
GdkPixbuf *
ferry_demo_thumbnail_decode_file (int descriptor, guint side, GError **error)
{
  g_autoptr (GdkPixbufLoader) loader = gdk_pixbuf_loader_new ();
  g_autoptr (GError) failure = NULL;
  Picture picture = {.side = side};
  GdkPixbuf *pixbuf;
  gboolean good;

  g_signal_connect (loader, "size-prepared", G_CALLBACK (size_prepared_cb), &picture);
  good = load (loader, &picture, descriptor, &failure);
  pixbuf = gdk_pixbuf_loader_get_pixbuf (loader);
  if (good && !picture.refused && pixbuf != NULL && !is_cut_off (&picture))
    return fit (gdk_pixbuf_apply_embedded_orientation (pixbuf), side);

  if (picture.refused)
    set_refusal (&picture, error);
  else if (failure != NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, failure->message);
  else if (pixbuf != NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("The file ends before the picture does"));
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _ ("There is no picture in the file"));
  return NULL;
}
