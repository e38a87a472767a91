"""Texts for synthetic negatives, in plain English."""

import re
from collections.abc import Iterable

# Short and common words, many of which sound like others.
WORDS = tuple(
    "able about above across action actor after again age agree air all allow almost alone "  # noqa: SIM905
    "also always amber and anger animal answer any apple april apron arch area arm army arrow "
    "art ask aunt autumn away baby back bacon bad bag bake ball banana band bank barn basket "
    "bath beach bean bear beat beauty because become bee beer before begin behind bell below "
    "belt bench berry best better between big bike bill bin bite black blank blood blow blue "
    "board boat body boil bone book boot born boss both bottle bottom bowl box boy brain "
    "branch bread break breath brick bridge bright bring broom brother brown brush bucket "
    "build bus bush busy butter button buy cabin cable cake call calm camera camp candle cap "
    "car card care carpet carrot carry case castle catch cave chain chair chalk cheap check "
    "cheese cherry chest chicken child choose church circle city class clean clear climb "
    "clock close cloth cloud coat coffee cold color comb come cook cookie copper corn corner "
    "cotton cough count country cousin cover cow cream crowd cry cup curtain cut dad dance "
    "dark daughter day dear december deep desk dinner dirt dish doctor doll door dot double "
    "draw dream dress drink drive drop dry duck dust each ear early earth east easy eat edge "
    "egg elbow empty end enjoy enough enter evening every eye face fact fall family far farm "
    "fast fat father feather feel fence few field fight fill film find finger finish fire "
    "first fish flag flat flight floor flower fly fog follow food foot forest forget fork "
    "forty forward fox free friend frog from front fruit full funny game garden gate gift "
    "girl give glad glass glove goat gold good goose grape grass gray great green ground "
    "group grow guess guitar hair half hall hammer hand hang hard hat hate head hear heart "
    "heat heavy hello help hen here hide high hill hold hole home honey hook hope horse "
    "hospital hot hotel hour hundred hungry hurry hurt ice idea inside iron island jacket jam "
    "january jar job join joke juice jump june just keep kettle key kick kind king kiss "
    "kitchen kite knee knife knock know ladder lady lake lamp land large last late laugh law "
    "lazy lead leaf learn leather leave leg lemon lesson letter level life lift light like "
    "line lion lip list listen little live long look lose loud love low lunch mad made magic "
    "mail main make man many map march mark market mask master match may maybe meal mean meat "
    "medal meet melt memory men metal middle mile milk mill mind minute mirror miss mix model "
    "moment money monkey month moon more morning most mother mountain mouse mouth move movie "
    "mud music must nail name narrow nature near neck need needle nest net never new news "
    "next nice night noise none noon normal north nose not note nothing now nurse nut oak "
    "ocean odd office often oil old olive once onion open orange order other oven over owl "
    "own page pain paint pair pan paper parent park part party pass past path pay pea peace "
    "pear pen pencil people pepper person pet piano picture pie piece pig pillow pin pink "
    "pipe place plain plan plane plant plate play please plenty pocket point pole pond pool "
    "poor pop pot potato pound pour power present press price print prize pull pump pure push "
    "put quarter queen question quick quiet quite rabbit race radio rain raise reach read "
    "ready real red remember rest rice rich ride ring ripe rise river road robin rock roof "
    "room root rope rose rough round row rule run sad safe sail salad salt same sand say "
    "scale school science scissors sea season seat second see seed sell send set shade shake "
    "shape share sharp she sheep sheet shelf shell shine ship shirt shoe shop short shoulder "
    "shout show shower shut sick side sign silver simple since sing single sink sister sit "
    "size skin skirt sky sleep slow small smell smile smoke snake snow soap sock soft soil "
    "some son song soon sorry sound soup south space speak spell spend spoon sport spot "
    "spring square stair stamp stand star start station stay steam steel step stick still "
    "stomach stone store storm story strange street string strong student stuff such sugar "
    "summer sun sure sweet swim table tail take tale talk tall taste taxi tea teach team tear "
    "tell ten tent test than thank that then there thin thing think third thirty this those "
    "thread throat through throw thumb thunder ticket tie tiger tight time tin tip tired "
    "today toe together tomato tomorrow tongue tonight tooth top touch towel tower town toy "
    "train travel treat trip trouble truck true trust try turn twelve twenty twice under "
    "until upon use valley van very visit voice wait walk wall want war warm wash watch water "
    "wave way weak wear weather week well west wet what wheel when where while white who why "
    "wide wife wild win wind window wine wing winter wire wish with woman wonder wood wool "
    "word work world worry write wrong yard year yell yellow yesterday yet young your youth "
    "zoo".split()
)

SENTENCES = (
    "The kettle was already boiling when she came into the kitchen.",
    "My brother keeps his bicycle behind the garden fence.",
    "It rained all morning, so the children played inside.",
    "Could you please tell me where the station is?",
    "Yesterday we walked along the river until it became dark.",
    "The new teacher knows the names of all her pupils.",
    "He forgot his umbrella on the train again.",
    "Fresh bread is sold at the corner every morning.",
    "Nobody had expected so many visitors on a Monday.",
    "The old clock in the hall has never been repaired.",
    "She writes long letters to her friends abroad.",
    "We should finish the work before the weekend.",
    "A large black bird sat on the roof of the barn.",
    "They sold the car because it needed too much petrol.",
    "The museum is closed during the winter months.",
    "Put the plates into the cupboard above the sink.",
    "I have been looking for my glasses since breakfast.",
    "The doctor said that he must drink more water.",
    "Our neighbours are painting their windows green.",
    "The film was longer than we had thought.",
    "In summer the village is full of tourists.",
    "Please turn the music a little quieter.",
    "She learned to play the guitar when she was young.",
    "The meeting has been moved to Thursday afternoon.",
    "Some of the apples are still hanging on the tree.",
    "He answered every question without thinking long.",
    "The ship leaves the harbour early in the morning.",
    "You can borrow my pencil if you give it back.",
    "The dinner will be ready in about half an hour.",
    "A cold wind blew across the empty square.",
    "The library has more than a thousand books about history.",
    "My aunt bakes the best cherry cake in town.",
    "We saw a fox at the edge of the forest.",
    "The engineer explained how the bridge was built.",
    "Do not forget to lock the door behind you.",
    "The lamp beside the bed is broken.",
    "His grandfather was a fisherman on the coast.",
    "The bus was so crowded that we had to stand.",
    "They planted tomatoes and beans behind the shed.",
    "I would rather have tea with milk and sugar.",
    "The shop around the corner sells newspapers and stamps.",
    "Her daughter wants to become a pilot.",
    "The mountain was hidden in thick clouds.",
    "He read the instructions twice before he began.",
    "The orchestra is practising for the concert on Saturday.",
    "There is a small hole in the pocket of my coat.",
    "The farmer gave us fresh eggs and some honey.",
    "After lunch we usually take a short walk.",
    "The answer to this riddle is easier than it seems.",
    "A thin layer of snow covered the fields.",
    "The children built a castle of sand near the water.",
    "Have you ever seen such a beautiful sunset?",
    "The printer is out of paper again.",
    "She wore a yellow scarf and a warm jacket.",
    "The price of butter has risen since January.",
    "They were late because the road was blocked.",
    "My cousin lives in a flat near the university.",
    "The thunder frightened the horses in the stable.",
    "It is important to save the file before closing the program.",
    "The waiter brought the menu and a basket of bread.",
    "We had to wait a long time at the airport.",
    "The painter needed only a few brushes and some colour.",
    "Every spring the swallows return to the same nest.",
    "The baby fell asleep during the journey.",
    "Their garden is small but full of flowers.",
    "The manager thanked everybody for the good result.",
    "He cut his finger while slicing the onions.",
    "This path leads through the valley to the lake.",
    "The wool for this jumper comes from Scotland.",
    "She could hardly believe what she had heard.",
    "The judge asked the witness to speak more clearly.",
    "Take the second street after the traffic lights.",
    "The battery of my telephone is nearly empty.",
    "He collects old coins and foreign stamps.",
    "The students discussed the question for an hour.",
    "A friendly woman helped us to carry the boxes.",
    "The moon was bright enough to read a newspaper.",
    "I usually buy vegetables at the market on Wednesday.",
    "The carpenter measured the table before cutting the wood.",
    "They watched the match together with their parents.",
    "The recipe needs flour, butter and a pinch of salt.",
    "My watch is a few minutes slow.",
    "The island can only be reached by ferry.",
    "She opened the curtains to let in the light.",
    "The price includes breakfast and a towel.",
    "He is the only person who knows the password.",
    "A mouse had eaten some of the cheese.",
    "The nurse measured his temperature every evening.",
    "We enjoyed the silence after the noisy party.",
    "The plane landed safely in spite of the fog.",
    "Her voice was so soft that we could barely hear it.",
    "The company plans to open another factory next year.",
    "Several windows were broken during the storm.",
    "He promised to call as soon as he arrives.",
    "The weather forecast promises sunshine for the holidays.",
    "They found the missing ring under the carpet.",
    "The train to the coast departs from platform twelve.",
    "I cannot remember where I parked the car.",
    "The story ends differently in the second book.",
    "Thank you very much for your patience.",
)


def contains(text: str, word: str) -> bool:
    """Return whether a text contains a word, which may be several (`thank_you`)."""
    return f" {_tokens(word)} " in f" {_tokens(text)} "


def spoken(words: Iterable[str]) -> list[str]:
    """Return those of the `words` that a text contains."""
    texts = [*WORDS, *SENTENCES]
    return [word for word in words if any(contains(text, word) for text in texts)]


def _tokens(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))
