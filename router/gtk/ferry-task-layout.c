/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the parts of a row are. See ferry-task-layout-private.h.
 *
 * A wide row has its buttons at the side, behind three lines: name and state, the bar, details and pace. In a narrow
 * row the buttons have a line of their own, with the state in front of them, so that the name has the whole of the
 * first line. What is narrow is a matter of how many letters a row has room for. So all rows of a list are alike, and
 * change with the size of their text. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-task-layout-private.h"

#define COLUMN_SPACING 12
#define LINE_SPACING 6

/* Three buttons: rows that have fewer have their bars end where the others do. */
#define LEAST_SIDE_WIDTH 114

/* A row with room for fewer letters is narrow. */
#define NARROW_LETTERS 48

/* The children of a row, in their order. */
typedef enum
{
  PART_TITLE,
  PART_HOST,
  PART_STATE,
  PART_BAR,
  PART_DETAIL,
  PART_PACE,
  PART_SIDE,
  N_PARTS
} Part;

/* Parts that stand side by side. The first one takes what is left. */
#define MOST_PARTS 3

typedef struct
{
  guint n_parts;
  Part parts[MOST_PARTS];
} Line;

static const Line wide_lines[] = {
  {3, {PART_TITLE, PART_HOST, PART_STATE}}, {1, {PART_BAR}}, {2, {PART_DETAIL, PART_PACE}}};

static const Line narrow_lines[] = {
  {2, {PART_TITLE, PART_HOST}}, {1, {PART_BAR}}, {2, {PART_DETAIL, PART_PACE}}, {2, {PART_STATE, PART_SIDE}}};

struct _FerryTaskLayout
{
  GtkLayoutManager parent_instance;

  FerryTaskShape *shape; /* (unowned): own_shape, or that of a list */
  FerryTaskShape own_shape;
  guint serial; /* of the text that the width is measured with */
  int letter_width;
};

typedef struct
{
  FerryTaskLayout *layout;
  GtkWidget *parts[N_PARTS]; /* (nullable) (unowned) */
  const Line *lines;
  guint n_lines;
  gboolean narrow;
} Row;

G_DEFINE_FINAL_TYPE (FerryTaskLayout, ferry_task_layout, GTK_TYPE_LAYOUT_MANAGER)

static int
get_letter_width (FerryTaskLayout *self, GtkWidget *widget)
{
  PangoContext *context = gtk_widget_get_pango_context (widget);
  guint serial = pango_context_get_serial (context);

  if (self->serial != serial)
    {
      PangoFontMetrics *metrics = pango_context_get_metrics (context, NULL, NULL);

      self->letter_width = PANGO_PIXELS (pango_font_metrics_get_approximate_char_width (metrics));
      self->serial = serial;
      pango_font_metrics_unref (metrics);
    }
  return self->letter_width;
}

/* A width of -1 is none in particular. */
static Row
get_row (FerryTaskLayout *self, GtkWidget *widget, int width)
{
  Row row = {.layout = self};
  guint part = 0;

  row.narrow = width >= 0 && width < NARROW_LETTERS * get_letter_width (self, widget);
  row.lines = row.narrow ? narrow_lines : wide_lines;
  row.n_lines = row.narrow ? G_N_ELEMENTS (narrow_lines) : G_N_ELEMENTS (wide_lines);
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && part < N_PARTS;
       child = gtk_widget_get_next_sibling (child))
    row.parts[part++] = child;
  return row;
}

static gboolean
is_there (const Row *row, Part part)
{
  return row->parts[part] != NULL && gtk_widget_should_layout (row->parts[part]);
}

static void
measure_part (const Row *row, Part part, GtkOrientation orientation, int *minimum, int *natural)
{
  FerryTaskShape *shape = row->layout->shape;
  int *most = orientation == GTK_ORIENTATION_HORIZONTAL ? &shape->side_width : &shape->side_height;

  *minimum = *natural = 0;
  if (is_there (row, part))
    gtk_widget_measure (row->parts[part], orientation, -1, minimum, natural, NULL, NULL);
  if (part != PART_SIDE)
    return;
  if (*natural > *most)
    {
      *most = *natural;
      if (shape->grown != NULL)
        shape->grown (shape->owner);
    }
  *natural = *most;
}

static void
measure_line (const Row *row, const Line *line, GtkOrientation orientation, int *minimum, int *natural)
{
  *minimum = *natural = 0;
  for (guint i = 0; i < line->n_parts; i++)
    {
      int part_minimum, part_natural;

      measure_part (row, line->parts[i], orientation, &part_minimum, &part_natural);
      if (orientation == GTK_ORIENTATION_VERTICAL)
        *natural = MAX (*natural, part_natural);
      else if (is_there (row, line->parts[i]))
        {
          *minimum += part_minimum + (*minimum > 0 ? COLUMN_SPACING : 0);
          *natural += part_natural + (*natural > 0 ? COLUMN_SPACING : 0);
        }
    }
}

static int
get_height (const Row *row)
{
  int height = -LINE_SPACING;

  for (guint i = 0; i < row->n_lines; i++)
    {
      int minimum, natural;

      measure_line (row, &row->lines[i], GTK_ORIENTATION_VERTICAL, &minimum, &natural);
      height += natural + LINE_SPACING;
    }
  return height;
}

/* ---- the layout manager ---- */

static GtkSizeRequestMode
ferry_task_layout_get_request_mode (GtkLayoutManager *manager, GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

/* A row can be as narrow as the narrow one, and would like to be a wide one. */
static void
measure_width (FerryTaskLayout *self, GtkWidget *widget, int *minimum, int *natural)
{
  Row narrow = get_row (self, widget, 0), wide = get_row (self, widget, -1);
  int line_minimum, line_natural;

  *minimum = *natural = 0;
  for (guint i = 0; i < narrow.n_lines; i++)
    {
      measure_line (&narrow, &narrow.lines[i], GTK_ORIENTATION_HORIZONTAL, &line_minimum, &line_natural);
      *minimum = MAX (*minimum, line_minimum);
    }
  for (guint i = 0; i < wide.n_lines; i++)
    {
      measure_line (&wide, &wide.lines[i], GTK_ORIENTATION_HORIZONTAL, &line_minimum, &line_natural);
      *natural = MAX (*natural, line_natural);
    }
  measure_part (&wide, PART_SIDE, GTK_ORIENTATION_HORIZONTAL, &line_minimum, &line_natural);
  *natural = MAX (*natural + COLUMN_SPACING + line_natural, *minimum);
}

static void
ferry_task_layout_measure (GtkLayoutManager *manager, GtkWidget *widget, GtkOrientation orientation, int for_size,
                           int *minimum, int *natural, int *minimum_baseline, int *natural_baseline)
{
  FerryTaskLayout *self = FERRY_TASK_LAYOUT (manager);
  int side_minimum, side_height;
  Row row;

  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      measure_width (self, widget, minimum, natural);
      return;
    }
  row = get_row (self, widget, for_size);
  measure_part (&row, PART_SIDE, GTK_ORIENTATION_VERTICAL, &side_minimum, &side_height);
  *minimum = *natural = MAX (get_height (&row), side_height);
}

typedef struct
{
  GtkWidget *widget;
  int width; /* of the row */
} Place;

static void
allocate_part (const Place *place, GtkWidget *part, int x, int y, int width, int height)
{
  gboolean mirrored = gtk_widget_get_direction (place->widget) == GTK_TEXT_DIR_RTL;

  gtk_widget_size_allocate (part, &(GtkAllocation){mirrored ? place->width - x - width : x, y, width, height}, -1);
}

/* Gives out a width, and returns the height of the line. A part that is alone fills it. */
static int
allocate_line (const Place *place, const Row *row, const Line *line, int y, int width)
{
  GtkRequestedSize sizes[MOST_PARTS];
  GtkWidget *parts[MOST_PARTS];
  int x = 0, left = width, minimum, height;
  guint n_parts = 0;

  measure_line (row, line, GTK_ORIENTATION_VERTICAL, &minimum, &height);
  for (guint i = 0; i < line->n_parts; i++)
    if (is_there (row, line->parts[i]))
      {
        GtkRequestedSize *size = &sizes[n_parts];

        measure_part (row, line->parts[i], GTK_ORIENTATION_HORIZONTAL, &size->minimum_size, &size->natural_size);
        left -= size->minimum_size + (n_parts > 0 ? COLUMN_SPACING : 0);
        parts[n_parts++] = row->parts[line->parts[i]];
      }
  if (n_parts == 0)
    return height;
  sizes[0].minimum_size += gtk_distribute_natural_allocation (MAX (left, 0), n_parts, sizes);
  for (guint i = 0; i < n_parts; i++)
    {
      allocate_part (place, parts[i], x, y, n_parts == 1 ? width : MIN (sizes[i].minimum_size, sizes[i].natural_size),
                     height);
      x += sizes[i].minimum_size + COLUMN_SPACING;
    }
  return height;
}

static void
ferry_task_layout_allocate (GtkLayoutManager *manager, GtkWidget *widget, int width, int height, int baseline)
{
  Place place = {widget, width};
  Row row = get_row (FERRY_TASK_LAYOUT (manager), widget, width);
  int y = (height - get_height (&row)) / 2, line_width = width, side_minimum, side_width;

  if (!row.narrow && is_there (&row, PART_SIDE))
    {
      measure_part (&row, PART_SIDE, GTK_ORIENTATION_HORIZONTAL, &side_minimum, &side_width);
      line_width -= side_width + COLUMN_SPACING;
      allocate_part (&place, row.parts[PART_SIDE], width - side_width, 0, side_width, height);
    }
  for (guint i = 0; i < row.n_lines; i++)
    y += allocate_line (&place, &row, &row.lines[i], y, line_width) + LINE_SPACING;
}

static void
ferry_task_layout_class_init (FerryTaskLayoutClass *klass)
{
  GtkLayoutManagerClass *manager_class = GTK_LAYOUT_MANAGER_CLASS (klass);

  manager_class->get_request_mode = ferry_task_layout_get_request_mode;
  manager_class->measure = ferry_task_layout_measure;
  manager_class->allocate = ferry_task_layout_allocate;
}

static void
ferry_task_layout_init (FerryTaskLayout *self)
{
  self->own_shape.side_width = LEAST_SIDE_WIDTH;
  self->shape = &self->own_shape;
}

void
ferry_task_layout_set_shape (FerryTaskLayout *self, FerryTaskShape *shape)
{
  self->shape = shape != NULL ? shape : &self->own_shape;
  self->shape->side_width = MAX (self->shape->side_width, LEAST_SIDE_WIDTH);
}
