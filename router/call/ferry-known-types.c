/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "call/ferry-known-types-private.h"

#include <stdatomic.h>
#include <string.h>

#define KNOWN_TYPES 64

/* Longer types are not kept. */
#define MAX_LENGTH 64

/* By the hash of the type. Set once each, for good. */
static _Atomic (GVariant *) known[KNOWN_TYPES];

/* Returns (transfer full): a value that has nothing but its type. */
static GVariant *
new_empty (const char *type_string)
{
  return g_variant_ref_sink (g_variant_new_from_data ((const GVariantType *) type_string, NULL, 0, FALSE, NULL, NULL));
}

static guint
hash_of (const char *type_string)
{
  guint hash = 5381;

  for (const char *next = type_string; *next != '\0'; next++)
    hash = hash * 33 + (guint8) *next;
  return hash;
}

/* any: where two types have one place, the first keeps it. */
void
ferry_known_types_add (GVariant *value)
{
  const char *type_string = g_variant_get_type_string (value);
  _Atomic (GVariant *) *place;
  GVariant *there = NULL;
  GVariant *empty;

  /* What GLib knows of the basic types it never forgets. */
  if (type_string[1] == '\0')
    return;
  place = &known[hash_of (type_string) % KNOWN_TYPES];
  /* Relaxed: only whether there is one. */
  if (atomic_load_explicit (place, memory_order_relaxed) != NULL || strlen (type_string) > MAX_LENGTH)
    return;
  empty = new_empty (type_string);
  if (!atomic_compare_exchange_strong_explicit (place, &there, empty, memory_order_relaxed, memory_order_relaxed))
    g_variant_unref (empty);
}
