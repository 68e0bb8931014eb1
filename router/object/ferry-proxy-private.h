/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A proxy as views, feeds and its own files see it. */

#pragma once

#include "object/ferry-exported-private.h"
#include "object/ferry-exporter-private.h"
#include "object/ferry-feed-private.h"
#include "object/ferry-proxy-link-private.h"
#include "object/ferry-proxy.h"

G_BEGIN_DECLS

struct _FerryProxy
{
  GObject parent_instance;

  FerryProxyLink *link;    /* const: (owned) (nullable): of an object in another process */
  FerryExporter *exporter; /* const: (owned) (nullable): of one in this process */
  FerryExported *exported; /* const: (owned) (nullable): of that, where it has no name here */
  char *name;              /* const: (owned) (nullable): the object's */
  char *interface;         /* const: (owned) (nullable): the name of its interface, where that is known */
  guint64 generation;      /* const: 0: it has a name, as the next */
  guint64 number;
  guint64 n_references; /* link's lock: that came for it */

  GMainContext *context;     /* const: (owned): where it notifies */
  guint64 watch;             /* const: of the link */
  gulong exporter_watch;     /* const: of the exporter */
  _Atomic gboolean as_proxy; /* whether values stay where they are */
  _Atomic gboolean notifies; /* its context is to notify of a change of whether it listens */
  FerryFeed *feed;           /* the context's thread, as the next: (owned) (nullable) */
  GHashTable *cached;        /* (element-type utf8 GVariant) (owned) (nullable): newest values of what is followed */
};

FerryProxy *ferry_proxy_new_for_reference (FerryProxyLink *link, const FerryViewResult *result);
/* exported: of exporter. */
FerryProxy *ferry_proxy_new_for_exported (FerryExporter *exporter, FerryExported *exported);
/* Fills root, which borrows from the proxy. */
void ferry_proxy_get_root (FerryProxy *self, FerryObjectRoot *root);
/* Of a proxy in the object's own process. Returns (transfer full) (nullable). */
FerryExported *ferry_proxy_find_exported (FerryProxy *self, GError **error);

/* Whether this thread may wait for it: FERRY_ERROR_WRONG_THREAD, which names what to use. */
gboolean ferry_proxy_check_may_wait (FerryProxy *self, const char *async_form, GError **error);

/* What is known of its interface. Returns (transfer full) (nullable). */
GDBusInterfaceInfo *ferry_proxy_dup_info (FerryProxy *self);
/* For a proxy in the object's own process: one over a transport to it, which can be asked for a feed.
 * Returns (transfer full) (nullable): with FERRY_ERROR_UNKNOWN_OBJECT. */
FerryProxy *ferry_proxy_get_followable (FerryProxy *self, GError **error);

/* For ferry-proxy-follow.c: tells of what came. */
void ferry_proxy_emit_changed (FerryProxy *self, const char *property, GVariant *value);
void ferry_proxy_emit_received (FerryProxy *self, const char *signal, GVariant *arguments);
void ferry_proxy_emit_missed (FerryProxy *self, guint64 n);
void ferry_proxy_emit_follow_failed (FerryProxy *self, const GError *error);
void ferry_proxy_emit_set_failed (FerryProxy *self, const char *property, const GError *error);

G_END_DECLS
