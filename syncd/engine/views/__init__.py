"""What pages and the API read and no command needs: lists with pages and filters, counts, charts."""
