/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A small picture of a large one. What a stranger's file does to the decoder, it does to this process, which has
 * nothing that is worth having. */

#include <glib/gstdio.h>
#include <stdlib.h>

#include "app/ferry-demo-message.h"
#include "app/worker-jobs.h"
#include "pictures/ferry-demo-thumbnail-decode.h"

/* How a decoder that crashes is had: a picture of the size that the variable says ends its worker. */
static void
crash_where_asked (GdkPixbuf *pixbuf)
{
  const char *wanted = g_getenv (FERRY_DEMO_CRASH_SIZE);
  g_autofree char *size = g_strdup_printf ("%dx%d", gdk_pixbuf_get_width (pixbuf), gdk_pixbuf_get_height (pixbuf));

  if (g_strcmp0 (wanted, size) == 0)
    abort ();
}

GVariant *
worker_thumbnail (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GdkPixbuf) pixbuf = NULL;
  g_autoptr (GBytes) pixels = NULL;
  gint32 handle;
  guint side;
  int fd;

  g_variant_get (arguments, "(hu)", &handle, &side);
  fd = ferry_job_dup_descriptor (job, handle, error);
  if (fd < 0)
    return NULL;
  pixbuf = ferry_demo_thumbnail_decode_file (fd, side, error);
  g_close (fd, NULL);
  if (pixbuf == NULL)
    return NULL;

  crash_where_asked (pixbuf);
  pixels = gdk_pixbuf_read_pixel_bytes (pixbuf);
  return g_variant_new ("(uuuu@ay)", (guint) gdk_pixbuf_get_width (pixbuf), (guint) gdk_pixbuf_get_height (pixbuf),
                        (guint) gdk_pixbuf_get_rowstride (pixbuf), (guint) gdk_pixbuf_get_n_channels (pixbuf),
                        g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, pixels, /* trusted: */ TRUE));
}
