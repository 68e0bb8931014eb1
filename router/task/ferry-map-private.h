/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of a map: its input, its chunks, their size, its items, and what its task and tests ask it for.
 *
 * Threads: the router's. */

#pragma once

#include "task/ferry-map-item.h"
#include "task/ferry-map.h"
#include "task/ferry-whole-task-private.h"

G_BEGIN_DECLS

/* ---- The input: what items are pulled from, a function or a list model ---- */

/* All zero: there is none. */
typedef struct
{
  FerryMapSource source;           /* (nullable) */
  GListModel *model;               /* (owned) (nullable) */
  FerryMapArguments get_arguments; /* makes the arguments of an item of the model */
  gulong handler;                  /* the id of the handler of `items-changed` of the model */
  guint64 position;                /* how many items were pulled; in a model, the position of the next item */
  guint64 length;                  /* of an input without a model; G_MAXUINT64: not known */
  gpointer user_data;              /* of the functions */
  GDestroyNotify destroy;          /* (nullable) */
  gboolean ended;
} FerryMapInput;

/* Whether it was not set and not ended. */
gboolean ferry_map_input_is_fresh (const FerryMapInput *self);
void ferry_map_input_set_source (FerryMapInput *self, FerryMapSource func, gpointer user_data, GDestroyNotify destroy);
/* arguments: a container; floating or not. */
void ferry_map_input_set_arguments (FerryMapInput *self, GVariant *arguments);
void ferry_map_input_set_model (FerryMapInput *self, GListModel *model, FerryMapArguments func, gpointer user_data,
                                GDestroyNotify destroy);
/* Pulls an item. Its arguments are (transfer full) (nullable). Returns FALSE at the end, and with an error. */
gboolean ferry_map_input_pull (FerryMapInput *self, GVariant **arguments, GError **error);
/* Returns how many items there are that have not been pulled; G_MAXUINT64: not known. */
guint64 ferry_map_input_get_rest (const FerryMapInput *self);
/* Ends the input. Its functions may run, so their data stays until ferry_map_input_free_data(). */
void ferry_map_input_end (FerryMapInput *self);
void ferry_map_input_free_data (FerryMapInput *self);

/* ---- How large a chunk is: its settings, and what was measured ---- */

typedef struct
{
  guint chunk_size;    /* how many items a chunk has; 0: automatic */
  guint max_in_flight; /* how many items may be in flight; 0: automatic */
  gint64 run_timeout;  /* the limit of an item's run, in microseconds; 0: no limit */
  double item_time;    /* the mean time of an item, in microseconds; 0: not known */
  guint largest;       /* the most items of a chunk with a measured time */
} FerryMapChunkSize;

/* Returns how many items a chunk has by the settings; 0: automatic. A run timeout applies to a task, so with a run
 * timeout each item is a task. */
guint ferry_map_chunk_size_get_fixed (const FerryMapChunkSize *self);
/* Returns how many items the next chunk should have. rest: as ferry_map_input_get_rest(). */
guint ferry_map_chunk_size_get (const FerryMapChunkSize *self, guint n_workers, guint64 rest);
/* Returns how many items may be in flight. */
guint64 ferry_map_chunk_size_get_bound (const FerryMapChunkSize *self, guint n_workers, guint64 rest);
/* Returns how many chunks under way are few: further ones are wanted. */
guint64 ferry_map_chunk_size_get_n_chunks (const FerryMapChunkSize *self, guint n_workers);
/* A worker took so long for n_items. */
void ferry_map_chunk_size_note_time (FerryMapChunkSize *self, double microseconds, guint n_items);

/* ---- A chunk ---- */

/* After so long, the worker ends a chunk of automatic size, and the items that it has not begun are submitted again. */
#define FERRY_MAP_LONGEST_CHUNK_MICROSECONDS 8000

#define FERRY_TYPE_MAP_CHUNK (ferry_map_chunk_get_type ())
G_DECLARE_FINAL_TYPE (FerryMapChunk, ferry_map_chunk, FERRY, MAP_CHUNK, FerryTask)

/* A chunk of a map's items. It is a task of the function FERRY_MAP_FUNCTION, which every worker has; see
 * ferry-map-function-private.h. If chunks have one item each, the chunk is plain: a task of the mapped function itself.
 */
struct _FerryMapChunk
{
  FerryTask parent_instance;

  FerryMap *map;     /* (unowned) (nullable): NULL once the chunk is removed from the map */
  GList link;        /* the chunk's link in the queue `chunks` of the map */
  guint64 first;     /* const: the index of the first item */
  guint n_items;     /* const */
  guint n_come;      /* how many items have ended; items end in their order */
  guint start;       /* the start of the task after which the last answer came */
  guint n_answers;   /* how many answers have come since that start */
  gboolean is_plain; /* const */
};

/* Makes a chunk of an array of items, which must be floating. limit: of its time, in microseconds; negative: none. */
FerryMapChunk *ferry_map_chunk_new (FerryMap *map, const char *function, gint64 limit, guint64 first, GVariant *items,
                                    guint n_items);
/* Makes a plain chunk. Takes arguments (nullable), floating or not. */
FerryMapChunk *ferry_map_chunk_new_plain (FerryMap *map, const char *function, guint64 first, GVariant *arguments);
/* Returns (transfer full) (nullable) the arguments of an item. */
GVariant *ferry_map_chunk_dup_item (FerryMapChunk *self, guint place);
/* Returns (transfer full) (nullable) what a user may call an item: its arguments, if these are a path or a word. */
char *ferry_map_chunk_dup_item_name (FerryMapChunk *self, guint place);
/* Returns the place in the chunk of the item that the present worker runs, by the number of its answers. Earlier
 * workers may have sent more answers. */
guint ferry_map_chunk_get_item_place (FerryMapChunk *self);

/* What a chunk tells its map: the next item's answer, and its own end. Takes value and error, both (nullable). */
void ferry_map_take_answer (FerryMap *map, FerryMapChunk *chunk, GVariant *value, GError *error);
void ferry_map_take_end (FerryMap *map, FerryMapChunk *ended);

/* ---- The map ---- */

/* Returns how many items there are, with those that are not submitted yet; G_MAXUINT64: not known. */
guint64 ferry_map_get_n_items (FerryMap *self);
/* Returns (transfer none) the items that have failed. */
const FerryFailures *ferry_map_get_failures (FerryMap *self);
/* Returns the size of a chunk that the map would choose, if the limit of items in flight were no restriction. */
guint ferry_map_get_next_chunk_size (FerryMap *self);
/* For tests: returns (element-type FerryMapChunk) the chunks that are submitted and not done. */
const GQueue *ferry_map_get_chunks (FerryMap *self);

/* Returns (transfer full) an item. Takes value and error, both (nullable). */
FerryMapItem *ferry_map_item_new (guint64 index, GVariant *value, GError *error);

G_END_DECLS
