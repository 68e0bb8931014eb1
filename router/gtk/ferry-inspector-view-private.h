/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A table of the inspector's page, of what a look at the application found: its items, their cells, and how they are
 * shown. The thread that runs GTK. */

#pragma once

#include "inspect/ferry-inspection-private.h"
#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_INSPECTOR_MAX_CELLS 10

#define FERRY_TYPE_INSPECTOR_ITEM (ferry_inspector_item_get_type ())
G_DECLARE_FINAL_TYPE (FerryInspectorItem, ferry_inspector_item, FERRY, INSPECTOR_ITEM, GObject)

/* A row, with what it was at the look before. */
struct _FerryInspectorItem
{
  GObject parent_instance;

  guint64 number;
  char *cells[FERRY_INSPECTOR_MAX_CELLS]; /* (owned) (nullable) */
  char *details;                          /* (owned) (nullable): what is shown of the row that is selected */
  gboolean can_end;                       /* it is a process that can be ended */
  gboolean has_ended;                     /* it is none any more */
  gboolean has_changed;                   /* since the signal changed */

  FerryWorkerUsage usage;
  guint64 carried; /* how much it had carried at the look before */
  gint64 carried_at;
  guint64 handler_time; /* how long handlers had taken by then, in microseconds */
  guint64 oldest;       /* the number of its oldest call */
  gint64 oldest_at;
  gpointer kept; /* (owned) (nullable): an object that stays as long as the row */
};

typedef struct
{
  const char *title;   /* not translated, as the next one */
  const char *tooltip; /* (nullable): what stands in the column, and its unit */
  float xalign;
  guint width; /* in characters */
  gboolean expands;
} FerryInspectorColumn;

/* What a table is of. */
typedef struct
{
  const char *name;
  const char *title; /* not translated, as the next one */
  const char *empty; /* what stands there where there is nothing */
  FerryInspects what;
  gboolean has_details; /* of the selected row */
  gboolean can_end;     /* rows can be ended */
  const FerryInspectorColumn *columns;
  guint n_columns;
  /* Returns (transfer none) what a look has found of this. */
  GPtrArray *(*get_rows) (const FerryInspection *inspection);
  guint64 (*get_number) (gconstpointer row);
  /* Sets the cells of the item. now: monotonic. */
  void (*fill) (FerryInspectorItem *item, gconstpointer row, gint64 now);
  /* (nullable): returns (transfer full) what all rows are together. items: (element-type FerryInspectorItem) */
  char *(*sum) (GListModel *items);
} FerryInspectorKind;

/* ---- ferry-inspector-cells.c ---- */

#define FERRY_INSPECTOR_N_KINDS 4

extern const FerryInspectorKind ferry_inspector_kinds[FERRY_INSPECTOR_N_KINDS];

/* ---- ferry-inspector-view.c ---- */

/* Sets a cell, or for FERRY_INSPECTOR_MAX_CELLS the details. Takes text (nullable). */
void ferry_inspector_item_set (FerryInspectorItem *self, guint cell, char *text);

#define FERRY_TYPE_INSPECTOR_VIEW (ferry_inspector_view_get_type ())
G_DECLARE_FINAL_TYPE (FerryInspectorView, ferry_inspector_view, FERRY, INSPECTOR_VIEW, GtkWidget)

/* Returns (transfer floating) a table without rows. */
GtkWidget *ferry_inspector_view_new (const FerryInspectorKind *kind);
/* Looks at the application. */
void ferry_inspector_view_look (FerryInspectorView *self);

G_END_DECLS
