/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A bad connection: it passes on what comes to a port of this machine, and is cut, held up or slow as a test says.
 *
 * It works in a thread of its own; its functions may be called on any. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ProxyTest ProxyTest;

/* to: the port to which it connects for each connection that it takes. */
ProxyTest *proxy_test_new (guint to);
void proxy_test_free (ProxyTest *self);
guint proxy_test_get_port (ProxyTest *self);
/* Closes all connections. What has come and was not passed on is lost. */
void proxy_test_cut (ProxyTest *self);
/* The same, and it takes none until it is told otherwise. */
void proxy_test_refuse (ProxyTest *self, gboolean refuses);
/* Passes nothing on for that many milliseconds. */
void proxy_test_hold (ProxyTest *self, guint milliseconds);
/* The same from each packet with one of these words on, until there are others; words: (nullable), and stays there */
void proxy_test_hold_at (ProxyTest *self, const char *const *words, guint milliseconds);
/* From now on all that comes is passed on so much later. */
void proxy_test_delay (ProxyTest *self, guint milliseconds);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProxyTest, proxy_test_free)

G_END_DECLS
