/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The grid has widgets for far more pictures than are to be seen. Which ones are, is looked up among those widgets when
 * something has moved. It is done after the next frame was painted, since within it they have places of two frames. */

#include "pictures/ferry-demo-thumbnail-page.h"

#include <glib/gi18n.h>

#include "app/ferry-demo-format.h"
#include "app/ferry-demo-place.h"
#include "pictures/ferry-demo-thumbnail-tile.h"

#define TURN_MILLISECONDS 250

struct _FerryDemoThumbnailPage
{
  FerryDemoPage parent_instance;

  FerryDemoThumbnails *thumbnails;
  GtkSingleSelection *selection;
  GHashTable *bound; /* (element-type GtkListItem): items that have a picture */
  GtkScrolledWindow *scrolled_window;

  GdkFrameClock *frame_clock;     /* (nullable): that a look was asked of */
  FerryDemoThumbnailsState state; /* that is shown */
  guint turn_timeout;
  gint64 begun; /* when the folder was opened, or the page was shown again */
  double rate;
  guint n_told; /* pictures, when the rate was told last */
  /* Decoders are to be ended at a turn, in the midst of their work, until more than so many pictures are broken. */
  gboolean is_tried;
  guint n_broken_before;
};

G_DEFINE_FINAL_TYPE (FerryDemoThumbnailPage, ferry_demo_thumbnail_page, FERRY_DEMO_TYPE_PAGE)

/* ---- what is to be seen ---- */

/* Whether some of the item's tile is within the window that is scrolled. Tiles that are not have places of long ago,
 * and are not mapped. */
static gboolean
is_in_sight (FerryDemoThumbnailPage *self, GtkListItem *item)
{
  GtkWidget *tile = gtk_list_item_get_child (item);
  float height = (float) gtk_widget_get_height (GTK_WIDGET (self->scrolled_window));
  graphene_rect_t bounds;

  return gtk_widget_get_mapped (tile) &&
         gtk_widget_compute_bounds (tile, GTK_WIDGET (self->scrolled_window), &bounds) && bounds.origin.y < height &&
         bounds.origin.y + bounds.size.height > 0;
}

static void
look (FerryDemoThumbnailPage *self)
{
  GHashTableIter iter;
  gpointer item;
  guint first = G_MAXUINT, last = 0;

  g_hash_table_iter_init (&iter, self->bound);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    if (is_in_sight (self, item))
      {
        first = MIN (first, gtk_list_item_get_position (item));
        last = MAX (last, gtk_list_item_get_position (item));
      }
  if (first <= last)
    ferry_demo_thumbnails_set_visible (self->thumbnails, first, last - first + 1);
}

static void
stop_looking (FerryDemoThumbnailPage *self)
{
  if (self->frame_clock != NULL)
    g_signal_handlers_disconnect_by_data (self->frame_clock, self);
  g_clear_object (&self->frame_clock);
}

static void
after_paint_cb (FerryDemoThumbnailPage *self)
{
  stop_looking (self);
  look (self);
}

static void
moved_cb (FerryDemoThumbnailPage *self)
{
  if (self->frame_clock != NULL || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  self->frame_clock = g_object_ref (gtk_widget_get_frame_clock (GTK_WIDGET (self)));
  g_signal_connect_object (self->frame_clock, "after-paint", G_CALLBACK (after_paint_cb), self, G_CONNECT_SWAPPED);
  gdk_frame_clock_request_phase (self->frame_clock, GDK_FRAME_CLOCK_PHASE_AFTER_PAINT);
}

static void
setup_cb (FerryDemoThumbnailPage *self, GtkListItem *item)
{
  gtk_list_item_set_child (item, ferry_demo_thumbnail_tile_new ());
}

static void
bind_cb (FerryDemoThumbnailPage *self, GtkListItem *item)
{
  ferry_demo_thumbnail_tile_set_picture (FERRY_DEMO_THUMBNAIL_TILE (gtk_list_item_get_child (item)),
                                         gtk_list_item_get_item (item));
  g_hash_table_add (self->bound, item);
  moved_cb (self);
}

static void
unbind_cb (FerryDemoThumbnailPage *self, GtkListItem *item)
{
  ferry_demo_thumbnail_tile_set_picture (FERRY_DEMO_THUMBNAIL_TILE (gtk_list_item_get_child (item)), NULL);
  g_hash_table_remove (self->bound, item);
}

/* ---- words ---- */

static guint
get_n_pictures (FerryDemoThumbnailPage *self)
{
  return g_list_model_get_n_items (ferry_demo_thumbnails_get_pictures (self->thumbnails));
}

/* How many a second, over the whole folder; and how many processes are at it. */
static void
show_pace (FerryDemoThumbnailPage *self, guint n_tried)
{
  double seconds = (double) (g_get_monotonic_time () - self->begun) / G_USEC_PER_SEC;
  guint n_workers, n_busy;
  g_autofree char *workers = NULL;

  if (n_tried != self->n_told)
    self->rate = n_tried / MAX (seconds, 0.001);
  self->n_told = n_tried;
  ferry_demo_thumbnails_count_workers (self->thumbnails, &n_workers, &n_busy);
  workers = ferry_demo_format_counted (n_workers, ngettext ("%s worker", "%s workers", n_workers));
  ferry_demo_page_take_text (self, "workers_label",
                             g_strdup_printf (_ ("%s, %u busy, %.0f pictures a second"), workers, n_busy, self->rate));
}

static void
show_counts (FerryDemoThumbnailPage *self)
{
  guint n_pictures = get_n_pictures (self);
  guint n_tried = ferry_demo_thumbnails_get_n_tried (self->thumbnails);
  guint n_broken = ferry_demo_thumbnails_get_n_broken (self->thumbnails);
  g_autofree char *tried = ferry_format_count (n_tried);
  g_autofree char *pictures =
    ferry_demo_format_counted (n_pictures, ngettext ("%s picture", "%s pictures", n_pictures));
  g_autofree char *broken = ferry_format_count (n_broken);
  g_autoptr (GString) words = g_string_new (NULL);

  if (n_tried < n_pictures)
    g_string_append_printf (words, _ ("%s of %s"), tried, pictures);
  else
    g_string_append (words, pictures);
  if (n_broken > 0)
    g_string_append_printf (words, _ (", %s cannot be shown"), broken);
  gtk_label_set_text (ferry_demo_page_get_child (self, "counts_label"), words->str);
  gtk_progress_bar_set_fraction (ferry_demo_page_get_child (self, "progress_bar"),
                                 n_pictures > 0 ? (double) n_tried / n_pictures : 0);
  show_pace (self, n_tried);
}

/* How much of a sandbox this system gives its workers: most of it comes from the kernel, and may be missing. */
static void
show_strength (FerryDemoThumbnailPage *self, FerrySandboxStrength strength)
{
  const guint strong = FERRY_SANDBOX_STRENGTH_LANDLOCK | FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS;
  g_autofree char *layers = ferry_sandbox_describe_strength (strength);
  const char *icon = (strength & strong) == strong ? "security-high-symbolic"
                     : (strength & strong) != 0    ? "security-medium-symbolic"
                                                   : "security-low-symbolic";

  gtk_image_set_from_icon_name (ferry_demo_page_get_child (self, "sandbox_image"), icon);
  ferry_demo_page_take_text (
    self, "sandbox_label",
    g_strdup_printf (_ ("A decoder sees one open file, and nothing else of yours. It is kept from the system by: %s"),
                     layers));
}

static void
strength_came (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (FerryDemoThumbnailPage) self = user_data;
  g_autoptr (GError) error = NULL;
  FerrySandboxStrength strength = ferry_sandbox_get_strength_finish (result, &error);

  /* A page that is gone shows nothing. */
  if (error == NULL && self->thumbnails != NULL)
    show_strength (self, strength);
}

static void
open_folder (FerryDemoThumbnailPage *self, const char *path)
{
  gtk_adjustment_set_value (gtk_scrolled_window_get_vadjustment (self->scrolled_window), 0);
  g_clear_handle_id (&self->turn_timeout, g_source_remove);
  self->begun = g_get_monotonic_time ();
  self->n_broken_before = 0;
  ferry_demo_thumbnails_open (self->thumbnails, path);
}

static void
decode_again (FerryDemoThumbnailPage *self)
{
  g_autofree char *path = g_strdup (ferry_demo_thumbnails_get_folder (self->thumbnails));

  if (path != NULL)
    open_folder (self, path);
}

/* A worker that is ended before it has begun a picture breaks none. */
static void
end_decoders (FerryDemoThumbnailPage *self)
{
  FerryDemoThumbnailsState state = ferry_demo_thumbnails_get_state (self->thumbnails);
  guint n_workers, n_busy;

  ferry_demo_thumbnails_count_workers (self->thumbnails, &n_workers, &n_busy);
  if (ferry_demo_thumbnails_get_n_broken (self->thumbnails) > self->n_broken_before ||
      state == FERRY_DEMO_THUMBNAILS_STATE_FAILED)
    self->is_tried = FALSE;
  else if (n_busy > 0)
    ferry_demo_thumbnails_kill_workers (self->thumbnails);
  else if (ferry_demo_thumbnails_get_n_decoding (self->thumbnails) == 0 && state == FERRY_DEMO_THUMBNAILS_STATE_LISTED)
    decode_again (self);
}

static gboolean
turn_cb (gpointer user_data)
{
  FerryDemoThumbnailPage *self = user_data;

  if (self->is_tried)
    end_decoders (self);
  show_counts (self);
  if (ferry_demo_thumbnails_get_n_decoding (self->thumbnails) > 0)
    return G_SOURCE_CONTINUE;
  self->turn_timeout = 0;
  return G_SOURCE_REMOVE;
}

static void
start_turning (FerryDemoThumbnailPage *self)
{
  if (self->turn_timeout != 0)
    return;
  self->turn_timeout = g_timeout_add (TURN_MILLISECONDS, turn_cb, self);
  g_source_set_name_by_id (self->turn_timeout, "[ferry-demo] pictures turn");
}

static void
show_empty (FerryDemoThumbnailPage *self, const char *title, const char *text)
{
  gtk_label_set_text (ferry_demo_page_get_child (self, "empty_title"), title);
  gtk_label_set_text (ferry_demo_page_get_child (self, "empty_label"), text);
  gtk_stack_set_visible_child_name (ferry_demo_page_get_child (self, "stack"), "empty");
}

static void
show_failure (FerryDemoThumbnailPage *self)
{
  const char *reason = ferry_demo_thumbnails_get_reason (self->thumbnails);

  if (get_n_pictures (self) == 0)
    {
      show_empty (self, _ ("This Folder Cannot Be Shown"), reason);
      return;
    }
  ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_ERROR, reason);
}

static void
show_folder (FerryDemoThumbnailPage *self)
{
  const char *folder = ferry_demo_thumbnails_get_folder (self->thumbnails);
  g_autofree char *name = folder != NULL ? g_filename_display_basename (folder) : NULL;
  g_autofree char *path = folder != NULL ? g_filename_display_name (folder) : NULL;

  gtk_label_set_text (ferry_demo_page_get_child (self, "folder_label"), name != NULL ? name : "");
  gtk_widget_set_tooltip_text (ferry_demo_page_get_child (self, "folder_label"), path);
}

static void
changed_cb (FerryDemoThumbnailPage *self)
{
  FerryDemoThumbnailsState state = ferry_demo_thumbnails_get_state (self->thumbnails);

  /* A picture more: the next turn says it, but for the last one. */
  if (state == self->state && self->turn_timeout != 0)
    {
      if (ferry_demo_thumbnails_get_n_decoding (self->thumbnails) == 0)
        show_counts (self);
      return;
    }
  self->state = state;
  show_folder (self);
  ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_INFO, NULL);
  switch (state)
    {
    case FERRY_DEMO_THUMBNAILS_STATE_LISTING:
      show_empty (self, _ ("Looking for Pictures…"), "");
      break;
    case FERRY_DEMO_THUMBNAILS_STATE_LISTED:
      if (get_n_pictures (self) == 0)
        show_empty (self, _ ("No Pictures in This Folder"),
                    _ ("Open another one; folders inside of it are not looked into."));
      else
        gtk_stack_set_visible_child_name (ferry_demo_page_get_child (self, "stack"), "pictures");
      break;
    case FERRY_DEMO_THUMBNAILS_STATE_FAILED:
      show_failure (self);
      break;
    case FERRY_DEMO_THUMBNAILS_STATE_NO_FOLDER:
    default:
      show_empty (
        self, _ ("No Pictures Yet"),
        _ ("Open a folder: worker processes in a sandbox decode its pictures, those in sight first. A picture "
           "that is damaged costs a worker at most."));
      break;
    }
  if (ferry_demo_thumbnails_get_n_decoding (self->thumbnails) > 0)
    start_turning (self);
  else
    show_counts (self);
}

/* ---- folders ---- */

static void
folder_chosen (FerryDemoPage *page, const char *path)
{
  open_folder (FERRY_DEMO_THUMBNAIL_PAGE (page), path);
}

void
ferry_demo_thumbnail_page_choose_folder (FerryDemoThumbnailPage *self)
{
  const char *path = ferry_demo_thumbnails_get_folder (self->thumbnails);

  ferry_demo_page_choose_folder (self, _ ("Folder of Pictures"), path != NULL ? path : g_get_home_dir ());
}

/* The demo's own pictures. */
static void
open_samples (FerryDemoThumbnailPage *self)
{
  g_autofree char *path = ferry_demo_find ("samples", FERRY_DEMO_DATADIR "/samples");

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    open_folder (self, path);
}

static void
decode_again_cb (GtkWidget *widget, const char *action, GVariant *parameter)
{
  decode_again (FERRY_DEMO_THUMBNAIL_PAGE (widget));
}

static void
try_again (FerryDemoPage *page)
{
  ferry_demo_thumbnails_resume (FERRY_DEMO_THUMBNAIL_PAGE (page)->thumbnails);
}

/* Where all pictures are there already, the end of a decoder would not be seen. */
static void
try_to_break (FerryDemoPage *page)
{
  FerryDemoThumbnailPage *self = FERRY_DEMO_THUMBNAIL_PAGE (page);

  self->n_broken_before = ferry_demo_thumbnails_get_n_broken (self->thumbnails);
  if (ferry_demo_thumbnails_get_n_decoding (self->thumbnails) == 0)
    decode_again (self);
  self->is_tried = TRUE;
}

/* ---- the page itself ---- */

static void
ferry_demo_thumbnail_page_map (GtkWidget *widget)
{
  FerryDemoThumbnailPage *self = FERRY_DEMO_THUMBNAIL_PAGE (widget);

  GTK_WIDGET_CLASS (ferry_demo_thumbnail_page_parent_class)->map (widget);
  if (self->thumbnails == NULL)
    return;
  if (ferry_demo_thumbnails_get_folder (self->thumbnails) == NULL)
    open_samples (self);
  ferry_demo_thumbnails_resume (self->thumbnails);
  moved_cb (self);
}

static void
ferry_demo_thumbnail_page_unmap (GtkWidget *widget)
{
  FerryDemoThumbnailPage *self = FERRY_DEMO_THUMBNAIL_PAGE (widget);

  stop_looking (self);
  if (self->thumbnails != NULL)
    ferry_demo_thumbnails_pause (self->thumbnails);
  GTK_WIDGET_CLASS (ferry_demo_thumbnail_page_parent_class)->unmap (widget);
}

static void
ferry_demo_thumbnail_page_dispose (GObject *object)
{
  FerryDemoThumbnailPage *self = FERRY_DEMO_THUMBNAIL_PAGE (object);

  stop_looking (self);
  g_clear_handle_id (&self->turn_timeout, g_source_remove);
  if (self->thumbnails != NULL)
    g_signal_handlers_disconnect_by_data (self->thumbnails, self);
  g_clear_object (&self->selection);
  g_clear_object (&self->thumbnails);
  G_OBJECT_CLASS (ferry_demo_thumbnail_page_parent_class)->dispose (object);
}

static void
ferry_demo_thumbnail_page_finalize (GObject *object)
{
  g_hash_table_unref (FERRY_DEMO_THUMBNAIL_PAGE (object)->bound);
  G_OBJECT_CLASS (ferry_demo_thumbnail_page_parent_class)->finalize (object);
}

static void
begin (FerryDemoPage *page, FerryDemoSession *session)
{
  FerryDemoThumbnailPage *self = FERRY_DEMO_THUMBNAIL_PAGE (page);
  GListModel *pictures;

  self->thumbnails = g_object_ref (ferry_demo_session_get_thumbnails (session));
  pictures = ferry_demo_thumbnails_get_pictures (self->thumbnails);
  self->selection = gtk_single_selection_new (g_object_ref (pictures));
  gtk_single_selection_set_autoselect (self->selection, FALSE);
  gtk_single_selection_set_can_unselect (self->selection, TRUE);
  gtk_grid_view_set_model (ferry_demo_page_get_child (self, "grid"), GTK_SELECTION_MODEL (self->selection));
  g_signal_connect_object (self->thumbnails, "changed", G_CALLBACK (changed_cb), self, G_CONNECT_SWAPPED);
  changed_cb (self);
  ferry_sandbox_get_strength_async (NULL, strength_came, g_object_ref (self));
}

static gboolean
is_settled (FerryDemoPage *page)
{
  FerryDemoThumbnailPage *self = FERRY_DEMO_THUMBNAIL_PAGE (page);

  return self->state == FERRY_DEMO_THUMBNAILS_STATE_FAILED ||
         (self->state == FERRY_DEMO_THUMBNAILS_STATE_LISTED &&
          ferry_demo_thumbnails_get_n_tried (self->thumbnails) == get_n_pictures (self));
}

static void
ferry_demo_thumbnail_page_class_init (FerryDemoThumbnailPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  static const char *const names[] = {
    "stack",        "counts_label",    "sandbox_image", "sandbox_label", "workers_label", "folder_label",
    "progress_bar", "scrolled_window", "grid",          "empty_title",   "empty_label",   NULL,
  };

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_thumbnail_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = ferry_demo_thumbnail_page_finalize;
  widget_class->map = ferry_demo_thumbnail_page_map;
  widget_class->unmap = ferry_demo_thumbnail_page_unmap;
  FERRY_DEMO_PAGE_CLASS (klass)->begin = begin;
  FERRY_DEMO_PAGE_CLASS (klass)->try_to_break = try_to_break;
  FERRY_DEMO_PAGE_CLASS (klass)->try_again = try_again;
  FERRY_DEMO_PAGE_CLASS (klass)->is_settled = is_settled;
  FERRY_DEMO_PAGE_CLASS (klass)->folder_chosen = folder_chosen;
  ferry_demo_page_class_set_template (klass, "ferry-demo-thumbnail-page", names);
  gtk_widget_class_install_action (widget_class, "pictures.again", NULL, decode_again_cb);
}

static void
ferry_demo_thumbnail_page_init (FerryDemoThumbnailPage *self)
{
  g_autoptr (GtkListItemFactory) factory = gtk_signal_list_item_factory_new ();
  GtkAdjustment *adjustment;

  self->bound = g_hash_table_new (NULL, NULL);
  gtk_widget_init_template (GTK_WIDGET (self));
  self->scrolled_window = ferry_demo_page_get_child (self, "scrolled_window");
  g_signal_connect_object (factory, "setup", G_CALLBACK (setup_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (factory, "bind", G_CALLBACK (bind_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (factory, "unbind", G_CALLBACK (unbind_cb), self, G_CONNECT_SWAPPED);
  gtk_grid_view_set_factory (ferry_demo_page_get_child (self, "grid"), factory);
  adjustment = gtk_scrolled_window_get_vadjustment (self->scrolled_window);
  g_signal_connect_object (adjustment, "value-changed", G_CALLBACK (moved_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (adjustment, "changed", G_CALLBACK (moved_cb), self, G_CONNECT_SWAPPED);
}
