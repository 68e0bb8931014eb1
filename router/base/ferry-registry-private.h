/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which objects of a kind the process has, for who looks at the whole of it. Any thread. */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef enum
{
  FERRY_KIND_ROUTER,
  FERRY_KIND_POOL,
  FERRY_KIND_EXECUTOR,
  FERRY_KIND_WORKER,
  FERRY_KIND_CHANNEL,
  FERRY_KIND_TRANSPORT,
  FERRY_N_KINDS
} FerryKind;

/* How something stands that carries messages or calls both ways. */
typedef struct
{
  guint64 n_carried; /* how many messages or calls so far, of both ends */
  guint n_sent;      /* how many of those wait for the other end */
  guint n_received;  /* how many wait for this end: to be taken, or answered */
  guint64 oldest;    /* the number of the oldest call that waits for the other end; 0: none */
} FerryLoad;

/* Sets how it stands. Returns FALSE for one that is closed, or that another object stands for. */
typedef gboolean (*FerryLoadFunc) (gpointer object, FerryLoad *load);

/* An object's place in the list of its kind; all zero: it has none. */
typedef struct
{
  GList link;         /* the first field; data: the object (unowned) */
  guint64 number;     /* const: of all of its kind that were ever added, from 1 on; 0: it was not */
  guint fork_number;  /* const: see ferry-forks.c */
  FerryKind kind;     /* const */
  FerryLoadFunc look; /* const: (nullable) */
} FerryRegistered;

/* object: one that embeds self. look: (nullable): for kinds that carry something. */
void ferry_registry_add (FerryRegistered *self, FerryKind kind, gpointer object, FerryLoadFunc look);
/* For the beginning of dispose(): nobody finds the object any more. Does nothing for one that was removed before. */
void ferry_registry_remove (FerryRegistered *self);

/* An object that was found. */
typedef struct
{
  gpointer object; /* (owned) */
  guint64 number;
  FerryLoadFunc look; /* (nullable) */
} FerryFound;

/* Returns (transfer full) (element-type FerryFound) the objects of a kind, the oldest first. */
GArray *ferry_registry_list (FerryKind kind);

G_END_DECLS
