/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The fields of an exporter, for its own files. */

#pragma once

#include "object/ferry-exporter-link-private.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_EXPORTER_PLACE_CONTEXT,
  FERRY_EXPORTER_PLACE_THREADS,
  FERRY_EXPORTER_PLACE_HAND,
} FerryExporterPlace;

/* A type of which objects may be given away. */
typedef struct
{
  FerryInterface *interface; /* (owned) */
  FerryCallPolicy policy;
} FerryExporterType;

struct _FerryExporter
{
  GObject parent_instance;

  guint64 generation;      /* const: no other exporter has it, and it is not 0 */
  FerryObjectTable *table; /* const: (owned) */

  /* Until the first transport, then const. */
  FerryExporterPlace place;
  GMainContext *context; /* (owned) (nullable): where methods are called, unless that is on threads */
  guint n_threads;

  pthread_mutex_t lock;
  GHashTable *names;     /* lock: (element-type utf8 FerryExported), as what follows; both owned */
  GPtrArray *types;      /* (element-type FerryExporterType) (owned) */
  GHashTable *functions; /* (element-type utf8 FerryPassFunction): both owned, and kept to the end */
  GPtrArray *links;      /* (element-type FerryExporterLink) (owned) */
  gboolean listening;
  FerryStopMode stop_mode;

  _Atomic guint64 n_requests; /* that were taken up */
  _Atomic guint64 n_names;    /* how often names have changed */
};

void ferry_exporter_type_free (gpointer data);
void ferry_pass_function_free (gpointer data);
/* (element-type FerryExporterLink) (transfer full) */
GPtrArray *ferry_exporter_list_links (FerryExporter *self);
/* Has what a link's demux calls run where the exporter says. */
void ferry_exporter_place_demux (FerryExporter *self, FerryDemux *demux);

G_END_DECLS
