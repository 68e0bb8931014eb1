/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A reader holds the type and the bytes of one value, and which child is next. It needs no memory for the layout of
 * the type: it measures each child's type when it comes to the child.
 *
 * Threads: any, one at a time.
 * Trust:   the bytes are not trusted, but nothing may change them meanwhile. */

#include "config.h"

#include "base/ferry-variant-reader.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-layout-private.h"

/* What FerryVariantReader has in it. */
typedef struct
{
  const char *type;
  const guint8 *data; /* (nullable): NULL if size is 0 */
  const char *next;   /* the type of the next child, or what closes the tuple */
  gsize size;
  gsize offset; /* where the child before the next one ends */
  gsize
    offsets;  /* an array: the place of the next child's offset; a tuple: where the offsets begin that were not read */
  gsize body; /* an array of children that vary in size: where its offsets begin */
  gsize element_size; /* an array: the size of each child; 0: it varies */
  guint alignment;    /* an array: of each child */
  gboolean is_begun;
} Reader;

G_STATIC_ASSERT (sizeof (Reader) <= sizeof (FerryVariantReader));

static void
set_value (Reader *self, const char *type, const guint8 *data, gsize size)
{
  FerryMeasure measure = ferry_layout_measure (type);

  *self = (Reader){.type = type, .next = type + 1, .data = data, .size = size};
  if (size == 0 || (measure.fixed_size > 0 && measure.fixed_size != size))
    {
      self->data = NULL;
      self->size = 0;
    }
  self->offsets = self->size;
}

/**
 * ferry_variant_reader_init:
 * @self: a reader, with any contents
 * @type: a definite type
 * @data: (nullable) (array length=size) (element-type guint8): the bytes of a value of that type
 * @size: the size of @data in bytes
 *
 * Sets a reader to a value. The type and the bytes must stay as they are while the reader is used. Any thread, one at
 * a time.
 */
void
ferry_variant_reader_init (FerryVariantReader *self, const GVariantType *type, gconstpointer data, gsize size)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (type != NULL && g_variant_type_is_definite (type));
  g_return_if_fail (data != NULL || size == 0);

  set_value ((Reader *) self, (const char *) type, data, size);
}

/**
 * ferry_variant_reader_get_type:
 * @self: a reader
 *
 * Gets the type of the value. Any thread, one at a time.
 *
 * Returns: (transfer none): the type, which lies where the type of the whole value lies, or within its bytes
 */
const GVariantType *
ferry_variant_reader_get_type (const FerryVariantReader *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return (const GVariantType *) ((const Reader *) self)->type;
}

/* ---- containers ---- */

/* Measures the children of an array. An array with offsets that cannot be right has none. */
static void
begin_array (Reader *self)
{
  FerryMeasure measure = ferry_layout_measure (self->next);
  guint offset_size = ferry_layout_get_offset_size (self->size);

  self->is_begun = TRUE;
  self->element_size = measure.fixed_size;
  self->alignment = measure.alignment;
  if (self->size == 0 || measure.fixed_size > 0)
    {
      self->offset = measure.fixed_size > 0 && self->size % measure.fixed_size != 0 ? self->size : 0;
      return;
    }
  self->body = ferry_layout_read_offset (self->data + self->size - offset_size, offset_size);
  if (self->body < self->size && (self->size - self->body) % offset_size == 0)
    self->offsets = self->body;
}

/* Sets child to the bytes from start to end, or to the default of its type if they are not in order within limit. */
static void
set_child (Reader *self, Reader *child, const char *type, gsize start, gsize end, gsize limit)
{
  if (start <= end && end <= limit)
    {
      set_value (child, type, end > start ? self->data + start : NULL, end - start);
      self->offset = end;
      return;
    }
  set_value (child, type, NULL, 0);
  /* No later child is in order. */
  self->offset = G_MAXSIZE / 2;
}

static gboolean
next_element (Reader *self, Reader *child)
{
  guint offset_size = ferry_layout_get_offset_size (self->size);

  if (!self->is_begun)
    begin_array (self);
  if (self->element_size > 0)
    {
      if (self->offset >= self->size)
        return FALSE;
      set_child (self, child, self->next, self->offset, self->offset + self->element_size, self->size);
      return TRUE;
    }
  if (self->offsets >= self->size)
    return FALSE;
  set_child (self, child, self->next, ferry_layout_align (self->offset, self->alignment),
             ferry_layout_read_offset (self->data + self->offsets, offset_size), self->body);
  self->offsets += offset_size;
  return TRUE;
}

static gboolean
next_member (Reader *self, Reader *child)
{
  guint offset_size = ferry_layout_get_offset_size (self->size);
  const char *type = self->next;
  FerryMeasure measure;
  gsize start;
  gsize end = self->offsets;

  if (ferry_layout_is_close (*type))
    return FALSE;
  measure = ferry_layout_measure (type);
  start = ferry_layout_align (self->offset, measure.alignment);
  if (measure.fixed_size > 0)
    end = start + measure.fixed_size;
  else if (!ferry_layout_is_close (*measure.end))
    {
      gboolean is_there = self->offsets >= offset_size;

      self->offsets -= is_there ? offset_size : 0;
      end = is_there ? ferry_layout_read_offset (self->data + self->offsets, offset_size) : G_MAXSIZE;
    }
  set_child (self, child, type, start, end, self->offsets);
  self->next = measure.end;
  return TRUE;
}

static gboolean
next_in_maybe (Reader *self, Reader *child)
{
  FerryMeasure measure = ferry_layout_measure (self->next);

  if (self->is_begun || self->size == 0 || (measure.fixed_size > 0 && measure.fixed_size != self->size))
    return FALSE;
  set_value (child, self->next, self->data, measure.fixed_size > 0 ? self->size : self->size - 1);
  return TRUE;
}

/* A variant has an empty tuple in it if its bytes hold no definite type. */
static gboolean
next_in_variant (Reader *self, Reader *child)
{
  const guint8 *zero = self->size > 0 ? memrchr (self->data, '\0', self->size) : NULL;
  const char *type = zero != NULL ? (const char *) zero + 1 : NULL;

  if (self->is_begun)
    return FALSE;
  if (zero != NULL && ferry_layout_is_definite (type, (gsize) (self->data + self->size - zero) - 1))
    set_value (child, type, self->data, (gsize) (zero - self->data));
  else
    set_value (child, "()", NULL, 0);
  return TRUE;
}

static gboolean
next_child (Reader *self, Reader *child)
{
  gboolean is_there = FALSE;

  switch (*self->type)
    {
    case 'a':
      return next_element (self, child);
    case '(':
    case '{':
      return next_member (self, child);
    case 'm':
      is_there = next_in_maybe (self, child);
      break;
    case 'v':
      is_there = next_in_variant (self, child);
      break;
    default:
      break;
    }
  self->is_begun = TRUE;
  return is_there;
}

/**
 * ferry_variant_reader_next:
 * @self: a reader of an array, a tuple, a dictionary entry, a maybe or a variant
 * @child: (out caller-allocates): return location for a reader of the next child
 *
 * Goes to the next child of a container, at first to its first child. A tuple always has all its members. A variant has
 * one child, which is an empty tuple if the variant's bytes hold no type. Any thread, one at a time.
 *
 * Returns: %TRUE if @child was set; %FALSE after the last child
 */
gboolean
ferry_variant_reader_next (FerryVariantReader *self, FerryVariantReader *child)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (child != NULL && child != self, FALSE);

  return next_child ((Reader *) self, (Reader *) child);
}

/* Returns the text of a value, or the default of its type. */
static const char *
get_text (const Reader *self)
{
  if (strchr ("sog", *self->type) != NULL && ferry_layout_is_text (*self->type, self->data, self->size))
    return (const char *) self->data;
  return *self->type == 'o' ? "/" : "";
}

/**
 * ferry_variant_reader_lookup:
 * @self: a reader of a dictionary with texts as keys, such as `a{sv}`
 * @key: a key
 * @type: (nullable): the type that the value must have; %NULL for any type
 * @value: (out caller-allocates): return location for a reader of the value
 *
 * Finds the value of a key; of several, the first one's. If the values are variants, @value is what is in the variant.
 * Takes time in proportion to the entries before the key. Does not move @self. Any thread, one at a time.
 *
 * Returns: %TRUE if @value was set; %FALSE if the key is missing, or its value has another type
 */
gboolean
ferry_variant_reader_lookup (const FerryVariantReader *self, const char *key, const GVariantType *type,
                             FerryVariantReader *value)
{
  Reader entries, entry, entry_key, found;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (key != NULL, FALSE);
  g_return_val_if_fail (value != NULL && value != self, FALSE);

  entries = *(const Reader *) self;
  if (entries.type[0] != 'a' || entries.type[1] != '{' || strchr ("sog", entries.type[2]) == NULL)
    return FALSE;
  set_value (&entries, entries.type, entries.data, entries.size);
  while (next_element (&entries, &entry))
    {
      next_member (&entry, &entry_key);
      if (!g_str_equal (get_text (&entry_key), key))
        continue;
      next_member (&entry, &found);
      if (*found.type == 'v')
        next_in_variant (&found, (Reader *) value);
      else
        *(Reader *) value = found;
      return type == NULL || g_variant_type_equal (ferry_variant_reader_get_type (value), type);
    }
  return FALSE;
}

/* ---- basic values ---- */

/* Copies a number. Without the bytes of one (self is NULL, or of another size), it is 0. */
static inline void
get_number (const Reader *self, gpointer value, gsize size)
{
  if (G_LIKELY (self != NULL && self->size == size))
    memcpy (value, self->data, size);
  else
    memset (value, 0, size);
}

/* Sets value to that of a reader (nullable) of the type that is that letter. Returns FALSE for a letter that means no
 * basic value. */
static inline gboolean
get_value (const Reader *self, char letter, gpointer value)
{
  switch (letter)
    {
    case 'b':
      *(gboolean *) value = self != NULL && self->size == 1 && *self->data == 1;
      return TRUE;
    case 'y':
      get_number (self, value, 1);
      return TRUE;
    case 'n':
    case 'q':
      get_number (self, value, 2);
      return TRUE;
    case 'i':
    case 'u':
    case 'h':
      get_number (self, value, 4);
      return TRUE;
    case 'x':
    case 't':
    case 'd':
      get_number (self, value, 8);
      return TRUE;
    case 's':
    case 'o':
    case 'g':
      *(const char **) value = self != NULL ? get_text (self) : letter == 'o' ? "/" : "";
      return TRUE;
    default:
      return FALSE;
    }
}

/**
 * ferry_variant_reader_get: (skip)
 * @self: a reader of a basic value, or of a container
 * @format: the types of basic values, one after the other, such as `u` or `utd`
 * @...: the places for the values, each as [method@GLib.Variant.get] takes it for that type with `&`. A text is not
 *   copied, and lies within the bytes of the value
 *
 * Gets the value, for which @format has one letter. Of a container, gets the next children, from where
 * [method@Ferry.VariantReader.next] has come to, a letter each. All places are set. Where a child is missing, where a
 * value has another type, and where it is not in normal form, that is the default of the letter: 0, "", or "/" for an
 * object path. Any thread, one at a time.
 *
 * Returns: %TRUE if there was a value of its type for each letter
 */
gboolean
ferry_variant_reader_get (FerryVariantReader *self, const char *format, ...)
{
  Reader *reader = (Reader *) self;
  gboolean is_container, is_known = TRUE, has_all = TRUE;
  va_list args;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (format != NULL, FALSE);

  is_container = strchr ("a({mv", *reader->type) != NULL;
  va_start (args, format);
  for (const char *letter = format; *letter != '\0' && is_known; letter++)
    {
      Reader child;
      const Reader *found = letter == format ? reader : NULL;

      if (is_container)
        found = next_child (reader, &child) ? &child : NULL;
      if (found != NULL && *found->type != *letter)
        found = NULL;
      has_all &= found != NULL;
      is_known = get_value (found, *letter, va_arg (args, gpointer));
    }
  va_end (args);
  ferry_return_val_if_fail (is_known, FALSE, "the format '%s' has a letter that is no basic type; use bynqiuxthdsog",
                            format);
  return has_all;
}

/**
 * ferry_variant_reader_get_fixed_array:
 * @self: a reader of an array with elements of a fixed size, such as `ay` or `a(utd)`
 * @element_size: the size of each element in bytes
 * @n_elements: (out): return location for the number of elements
 *
 * Gets a whole array where it lies. Booleans and padding in it are as the sender wrote them, where the value is not
 * known to be in normal form. Any thread, one at a time.
 *
 * Returns: (transfer none) (nullable): the elements, aligned as their type wants if the bytes of the whole value are;
 *   %NULL if there are none, if the elements have another size, or if the value has another type
 */
gconstpointer
ferry_variant_reader_get_fixed_array (const FerryVariantReader *self, gsize element_size, gsize *n_elements)
{
  const Reader *reader = (const Reader *) self;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (element_size > 0, NULL);
  g_return_val_if_fail (n_elements != NULL, NULL);

  *n_elements = 0;
  if (*reader->type != 'a' || ferry_layout_measure (reader->type + 1).fixed_size != element_size ||
      reader->size % element_size != 0)
    return NULL;
  *n_elements = reader->size / element_size;
  return reader->data;
}
